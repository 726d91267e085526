"""Runs that a stop preempted go on afterwards; those that a person stopped, or that were taken up since, do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labcore.config import RunConfig
from labcore.events import RunFinished, RunStarted
from labcore.jobs import preemption
from labcore.runs import Run
from labcore.workspace import Workspace


def start(run: Run) -> None:
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))


@pytest.fixture
def make_run(workspace: Workspace, make_config: Callable[..., RunConfig]) -> Callable[..., Run]:
    def make(*, queued: bool = False, started: bool = True) -> Run:
        run = Run.create(workspace, make_config(), queued=queued)
        if started:
            start(run)
        return run

    return make


def test_a_run_that_was_preempted_waits_in_the_queue_again(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    preemption.mark(run)
    run.append(RunFinished(state="stopped"))
    assert preemption.is_preempted(run)
    assert preemption.queue_again(workspace) == [run]
    assert run.status().state == "queued"
    assert preemption.queue_again(workspace) == []


def test_one_that_was_killed_after_the_mark_too(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    preemption.mark(run)
    assert run.status().state == "interrupted"
    assert preemption.queue_again(workspace) == [run]


def test_a_run_without_a_mark_stays_as_it_is(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert preemption.queue_again(workspace) == []
    assert run.status().state == "interrupted"


def test_what_a_person_stopped_stays_stopped(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.request_stop()
    preemption.mark(run)
    run.append(RunFinished(state="stopped"))
    assert preemption.queue_again(workspace) == []


def test_the_mark_counts_until_the_run_is_taken_up_again(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    preemption.mark(run)
    run.append(RunFinished(state="stopped"))
    start(run)
    run.append(RunFinished(state="stopped"))
    assert not preemption.is_preempted(run)
    assert preemption.queue_again(workspace) == []
    assert run.status().state == "stopped"


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_run_that_ended_by_itself_does_not_begin_again(
    workspace: Workspace, make_run: Callable[..., Run], state: str
) -> None:
    run = make_run()
    preemption.mark(run)
    run.append(RunFinished(state=state))
    assert preemption.queue_again(workspace) == []
    assert run.status().state == state


def test_a_run_that_somebody_works_on_is_left_alone(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    preemption.mark(run)
    with run.hold():
        assert preemption.queue_again(workspace) == []
        assert run.status().state == "running"


def test_a_mark_of_version_0_1_counts(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.save("cut_short", {"starts": 1})
    assert preemption.queue_again(workspace) == [run]
    assert not (run.path / "cut_short.json").exists()


def test_it_takes_its_old_place_in_the_line(workspace: Workspace, make_run: Callable[..., Run]) -> None:
    first = make_run(queued=True)
    second = make_run(queued=True, started=False)
    preemption.mark(first)
    first.append(RunFinished(state="stopped"))
    preemption.queue_again(workspace)
    assert first.status().queued_at < second.status().queued_at
