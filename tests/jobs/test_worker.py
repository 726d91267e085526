"""A worker works the queue off; told to stop, it hands the jobs running over to its next start."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest

from labcore.config import RunConfig
from labcore.errors import ConfigError, WorkspaceError
from labcore.jobs import manager, preemption
from labcore.jobs import worker as of_worker
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.jobs.worker import Worker, resumes, stop_seconds
from labcore.runs import Run
from labcore.search.folder import Search
from labcore.search.settings import Settings
from labcore.workspace import Workspace
from tests.jobs.inline import InlineChild

MakeConfig = Callable[..., RunConfig]
Until = Callable[..., None]


@pytest.fixture
def worker(workspace: Workspace, fake_train: Any) -> Callable[..., Worker]:
    return lambda **options: Worker(
        workspace, **{"tell": lambda _: None, "executor": partial(ThreadChild, doing=fake_train), **options}
    )


@contextlib.contextmanager
def working(worker: Worker) -> Iterator[None]:
    """A worker running beside the block, which is stopped at its end."""
    stopping = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
    assert not thread.is_alive()


def first_epochs(run: Run) -> list[int]:
    return [event.first_epoch for event in run.events() if event.type == "training_started"]


def test_it_works_off_the_queue_and_ends_when_it_is_empty(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig, fake_train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(of_worker, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("LABCORE_WORKER", "external")  # which is for those who leave the queue to it
    runs = [Run.create(workspace, make_config(), queued=True) for _ in range(2)]
    worker(executor=partial(InlineChild, doing=fake_train)).run(threading.Event(), until_empty=True)
    assert [run.status().state for run in runs] == ["finished"] * 2


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_a_stop_ends_goes_on_at_the_next_start_before_all_others(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig, until: Until, goes_on: bool
) -> None:
    told: list[str] = []
    run = Run.create(workspace, make_config(epochs=2000), queued=True, by="Ada")
    with working(worker(resumes=goes_on, tell=told.append)):
        until(lambda: run.status().epoch >= 2)
        other = Run.create(workspace, make_config(epochs=2000), queued=True, by="Bob")
    done = run.status().epoch
    assert (run.status().state, other.status().state) == ("stopped", "queued")
    assert preemption.is_preempted(run) == goes_on
    with working(worker(resumes=goes_on, tell=told.append)):
        first, second = (run, other) if goes_on else (other, run)
        until(lambda: first.status().state == "running" and first.status().epoch > (done if goes_on else 1))
        assert second.status().state == ("queued" if goes_on else "stopped")
    assert first_epochs(run) == ([1, done + 1] if goes_on else [1])
    assert (f"run {run.id} is preempted and goes on at the next start" in told) == goes_on


def test_what_a_person_stopped_before_stays_stopped(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig, until: Until
) -> None:
    run = Run.create(workspace, make_config("deaf", epochs=30), queued=True)
    with working(worker()):
        until(lambda: run.status().epoch >= 1)
        run.request_stop("Ada")
    assert not (run.path / "preempted.json").exists()


@pytest.mark.parametrize("owns_container", [True, False])
def test_what_runs_from_a_shell_is_preempted_where_it_ends_with_the_worker(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig, fake_train: Any, until: Until, owns_container: bool
) -> None:  # fmt: skip
    run, stop = Run.create(workspace, make_config(epochs=2000)), threading.Event()
    shell = threading.Thread(target=work, args=(run, stop.is_set), kwargs={"doing": fake_train})
    shell.start()
    try:
        with working(worker(owns_container=owns_container, starts=False)):
            until(lambda: run.status().epoch >= 1)
        assert shell.is_alive() != owns_container
        assert preemption.is_preempted(run) == owns_container
    finally:
        stop.set()
        shell.join(30)


def test_a_trial_is_left_to_its_search(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig
) -> None:
    search = Search.create(workspace, Settings(make_config(), (), 2, "1", "2"))

    def run_of(search_id: str, **mark: Any) -> Run:
        return Run.create(workspace, make_config(), marks={"search": {"search": search_id, **mark}})

    trial, orphan, final = run_of(search.id, trial=1), run_of("gone", trial=1), run_of(search.id, final=True)
    jobs = [search, trial, orphan, final]
    stopping = threading.Event()
    stopping.set()
    with contextlib.ExitStack() as held:
        for job in jobs:
            held.enter_context(job.hold())
            job.append(job.started())
        worker(owns_container=True, stop_seconds=0.3).run(stopping)
    assert [job.stop_requested for job in jobs] == [True, False, True, True]
    assert [(job.path / "preempted.json").exists() for job in jobs] == [True, False, False, True]


def test_one_at_a_time_starts_jobs(
    workspace: Workspace, worker: Callable[..., Worker], make_config: MakeConfig
) -> None:
    stopping, told = threading.Event(), list[str]()

    def tell(text: str) -> None:
        told.append(text)
        stopping.set()

    run = Run.create(workspace, make_config(), queued=True)
    pages = JobManager(workspace, background=False, starts=False)
    assert pages.lacks_worker
    with contextlib.closing(JobManager(workspace, InlineChild, background=False)) as first:
        first._lead()
        worker(tell=tell).run(stopping)
        assert not pages.lacks_worker
    pages.look()
    pages.close()
    assert ["another process" in text for text in told] == [True]
    assert run.status().state == "queued"


def test_settings_of_a_stop() -> None:
    assert stop_seconds("") == 9
    assert stop_seconds("55") == 55
    for wrong in ("soon", "0", "nan", "-1"):
        with pytest.raises(ConfigError):
            stop_seconds(wrong)
    assert resumes({})
    assert resumes({"LABCORE_RESUME": "auto"})
    assert not resumes({"LABCORE_RESUME": "off"})


def test_a_workspace_that_cannot_be_written_ends_it_with_what_to_do(
    workspace: Workspace, worker: Callable[..., Worker]
) -> None:
    (workspace.runs / ".manager.lock").mkdir()  # nobody can hold that
    said: list[str] = []
    with pytest.raises(WorkspaceError, match=r"the jobs of the workspace .* cannot be started: Is a directory"):
        worker(tell=said.append).run(threading.Event(), until_empty=True)
    assert said == []


def test_the_worker_of_a_container_goes_on_without_and_says_so_in_one_line(
    workspace: Workspace, worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Mock()
    monkeypatch.setattr(manager, "_log", log)
    (workspace.runs / ".manager.lock").mkdir()
    said: list[str] = []
    stopping = threading.Event()
    monkeypatch.setattr(stopping, "wait", lambda seconds: stopping.set())
    worker(tell=said.append, owns_container=True, stop_seconds=0.0).run(stopping)
    assert said == []
    log.exception.assert_not_called()
    assert "cannot be started: Is a directory" in str(log.error.call_args.args[1])


def test_a_file_system_without_locks_is_told(worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.jobs.place.is_locked", lambda path: False)
    with pytest.raises(WorkspaceError, match="no locks"):
        worker().run(threading.Event(), until_empty=True)
