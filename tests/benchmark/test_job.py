"""A benchmark as a job: whom it waits for and who waits for it, how it ends, what is to be seen of it meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import pytest

from labcore.benchmark.cases import Case
from labcore.benchmark.events import BenchmarkProgress, Measurement
from labcore.benchmark.job import Benchmark, busy_reason
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.report import ReportError
from labcore.config import RunConfig
from labcore.errors import DeviceError
from labcore.events import Event, RunQueued
from labcore.jobs.executors import Executor, ProcessChild
from labcore.jobs.glances import glance
from labcore.jobs.manager import JobManager
from labcore.jobs.queue import QueueState, startable
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.jobs.inline import InlineChild

Measure = Callable[[Benchmark, Callable[[], bool]], Generator[Event, None, None]]


def plan(cases: int = 2) -> BenchmarkPlan:
    return BenchmarkPlan("steady", tuple(Case("cpu", "compact", batch_size=number + 1) for number in range(cases)))


def measure(benchmark: Benchmark, should_stop: Callable[[], bool]) -> Generator[Event, None, None]:
    """Every case has the same figures."""
    for number, case in enumerate(benchmark.plan.cases):
        if should_stop():
            return
        yield BenchmarkProgress(done=number, total=len(benchmark.plan.cases), what=case.model, seconds_left=1.0)
        yield Measurement(case=case, repeats=3, median_ms=2.0, q1_ms=1.9, q3_ms=2.1, clips_per_second=500.0, threads=1)


@pytest.fixture
def make_manager(workspace: Workspace) -> Iterator[Callable[..., JobManager]]:
    """Managers that look only when they are told to; benchmarks are at their end when they are started."""
    managers: list[JobManager] = []

    def make(measure: Measure = measure, executor: Executor | None = None) -> JobManager:
        managers.append(JobManager(workspace, executor or partial(InlineChild, doing=measure), background=False))
        return managers[-1]

    yield make
    for manager in managers:
        manager.close()


def queued(workspace: Workspace, **how: Any) -> Benchmark:
    return Benchmark.create(workspace, plan(how.pop("cases", 2)), queued=True, **how)


def run_of(workspace: Workspace, queued: bool = True, **how: Any) -> Run:
    return Run.create(workspace, RunConfig().replace({"runtime.device": "cpu"}), queued=queued, **how)


def test_one_in_the_queue_is_measured_to_its_end(workspace: Workspace, make_manager: Any) -> None:
    benchmark = queued(workspace, cases=3, by="Ada")
    assert (benchmark.report().state, benchmark.report().active) == ("queued", True)
    make_manager().look()
    report = benchmark.report()
    assert (report.state, len(report.measurements), report.by) == ("finished", 3, "Ada")
    assert [event.type for event in benchmark.events()][:2] == ["waiting", "started"]
    assert not benchmark.held


def test_progress_is_seen_and_a_stop_keeps_what_was_measured(workspace: Workspace, make_manager: Any) -> None:
    benchmark, manager, seen, glanced = queued(workspace, cases=500), make_manager(), [], []

    def stopped_on_the_way(benchmark: Benchmark, should_stop: Callable[[], bool]) -> Generator[Event, None, None]:
        for event in measure(benchmark, should_stop):
            yield event
            if isinstance(event, Measurement):
                seen.append(benchmark.report())
                glanced.append(glance(benchmark))
            if len(seen) == 2:
                manager.stop(benchmark, by="Bo")
                seen.append(benchmark.report())

    manager.executor = partial(InlineChild, doing=stopped_on_the_way)
    manager.look()
    assert [report.state for report in seen] == ["running", "running", "stopping"]
    assert seen[0].progress is not None
    assert seen[0].progress.total == 500
    assert [status.seconds_left for status in glanced] == [1.0, 1.0]
    assert (benchmark.report().state, len(benchmark.report().measurements)) == ("stopped", 2)
    assert benchmark.status().stopped_by == "Bo"
    assert not benchmark.stop_requested


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DeviceError("the GPU is gone", "Bring it back"), "the GPU is gone"),
        (ZeroDivisionError("division by nothing"), "Unexpected ZeroDivisionError: division by nothing"),
        (ValueError("x" * 5000), "Unexpected ValueError"),
    ],
)
def test_one_that_breaks_says_why_and_keeps_what_was_measured(
    workspace: Workspace, make_manager: Any, error: Exception, words: str
) -> None:
    def breaking(benchmark: Benchmark, should_stop: Callable[[], bool]) -> Generator[Event, None, None]:
        events = measure(benchmark, should_stop)
        yield next(events)
        yield next(events)
        raise error

    benchmark = queued(workspace)
    make_manager(breaking).look()
    report = benchmark.report()
    assert (report.state, len(report.measurements)) == ("failed", 1)
    assert words in report.error
    assert report.remedy
    assert str(workspace.home) not in report.to_json()
    assert type(error).__name__ in benchmark.log.read_text()


def test_a_process_that_is_killed_is_told_and_cannot_be_resumed(workspace: Workspace, make_manager: Any) -> None:
    killed = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    benchmark, manager = queued(workspace), make_manager(executor=partial(ProcessChild, command=killed))
    manager.look()
    manager._workers[benchmark.path].process.wait()
    manager.look()
    report = benchmark.report()
    assert report.state == "failed"
    assert "ran out of memory" in report.error
    assert "start it again" in report.remedy
    with pytest.raises(ReportError, match="cannot be resumed"):
        manager.resume(benchmark)


# --- the queue


def test_runs_wait_while_it_measures(workspace: Workspace) -> None:
    benchmark, run, survey = queued(workspace), run_of(workspace), QueueState(workspace)
    with benchmark.hold():
        benchmark.append(benchmark.started())
        waiting, working = survey.look()
        assert list(startable(waiting, [needs for _, needs in working])) == []
        assert survey.ahead_of([run]) == {run.path: [benchmark]}
    benchmark.append(benchmark.finished("finished"))
    assert list(startable(survey.look()[0], [])) == [run]


def test_it_waits_for_runs_at_work_and_for_those_that_came_before(workspace: Workspace) -> None:
    working, first = run_of(workspace), run_of(workspace)
    benchmark = queued(workspace)
    later, survey = run_of(workspace), QueueState(workspace)
    with working.hold():
        waiting, busy = survey.look()
        assert waiting == [first, benchmark, later]
        assert list(startable(waiting, [needs for _, needs in busy])) == []
        assert survey.ahead_of([benchmark]) == {benchmark.path: [working, first]}
    working.append(working.finished("finished"))
    assert list(startable(survey.look()[0], [])) == [first]
    first.append(first.finished("finished"))
    assert list(startable(survey.look()[0], [])) == [benchmark]  # and the run that came later waits for it


def test_one_waits_for_another(workspace: Workspace) -> None:
    first, second = queued(workspace), queued(workspace)
    waiting, _ = QueueState(workspace).look()
    assert list(startable(waiting, [])) == [first]
    assert QueueState(workspace).ahead_of([second]) == {second.path: [first]}


def test_beside_what_is_at_work_where_that_was_asked_for(workspace: Workspace, make_manager: Any) -> None:
    run, benchmark = run_of(workspace, queued=False), queued(workspace, beside=True)
    with run.hold():
        assert QueueState(workspace).ahead_of([benchmark]) == {benchmark.path: []}
        make_manager().look()
    assert benchmark.report().state == "finished"
    with benchmark.hold():
        assert busy_reason(workspace) == ""  # and it keeps nobody waiting


def test_one_that_waits_begins_when_the_run_is_over(workspace: Workspace, make_manager: Any) -> None:
    run, benchmark, manager = run_of(workspace, queued=False), queued(workspace), make_manager()
    with run.hold():
        manager.look()
        assert benchmark.report().state == "queued"
    manager.look()
    assert benchmark.report().state == "finished"


def test_one_that_waits_can_be_stopped(workspace: Workspace, make_manager: Any) -> None:
    benchmark, manager = queued(workspace), make_manager()
    manager.stop(benchmark)
    manager.look()
    assert (benchmark.report().state, benchmark.report().measurements) == ("stopped", ())


def test_what_it_would_wait_for_is_named(workspace: Workspace) -> None:
    assert busy_reason(workspace) == ""
    run = run_of(workspace)
    assert busy_reason(workspace) == f"run {run.id} is queued"
    with run.hold():
        queued(workspace)
        assert busy_reason(workspace) == f"run {run.id} is running"
    assert busy_reason(workspace) == "2 jobs are queued"
    run.append(RunQueued())
    other = Benchmark.create(workspace, plan())
    with run.hold(), other.hold():
        assert busy_reason(workspace) == "2 jobs are running"


def test_one_that_waited_in_an_earlier_version_waits(workspace: Workspace) -> None:
    benchmark = Benchmark.create(workspace, plan())
    (benchmark.path / "events.jsonl").write_text('{"type": "waiting", "time": 1.0, "why": "run a is running"}\n')
    (benchmark.path / "owner").write_text("Ada")
    assert (benchmark.report().state, benchmark.report().by) == ("queued", "Ada")
    assert QueueState(workspace).look()[0] == [benchmark]


# --- ended at once


def test_one_that_does_not_stop_is_killed(workspace: Workspace) -> None:
    benchmark = Benchmark.create(workspace, plan())
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)", str(benchmark.path)]
    with subprocess.Popen(sleeping) as process, benchmark.hold():
        benchmark.append(benchmark.started().model_copy(update={"pid": process.pid}))
        benchmark.kill()
        assert process.wait(60) == -9


def test_nobody_elses_process_is_killed(workspace: Workspace) -> None:
    benchmark = Benchmark.create(workspace, plan())
    with pytest.raises(ReportError, match="no running process"):
        benchmark.kill()
    with benchmark.hold():
        benchmark.append(benchmark.started())  # by the process of these tests
        with pytest.raises(ReportError, match="runs elsewhere"):
            benchmark.kill()
