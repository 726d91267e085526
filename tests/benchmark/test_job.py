"""The background job of a benchmark: waiting, ending in every way, and what is to be seen of it meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore.benchmark import job
from labcore.benchmark.cases import Case
from labcore.benchmark.plan import Plan
from labcore.benchmark.report import BenchmarkReport, ReportError, ReportFolder, list_reports
from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.events import RunQueued, RunStarted
from labcore.runs import Run
from labcore.workspace import Workspace

COMMAND = (sys.executable, str(Path(__file__).with_name("fake_job.py")))


def plan(name: str = "steady", cases: int = 2) -> Plan:
    return Plan(name, tuple(Case("cpu", "compact", batch_size=number % 1024 + 1) for number in range(cases)))


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to become true; a generous limit turns a hang into a failure."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def ended(folder: ReportFolder) -> BenchmarkReport:
    """The report once its job is over and its process is gone."""
    until(lambda: not job.load(folder).active and folder not in job.at_work(Workspace(folder.path.parents[1])))
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == f"labcore-{folder.id}"])
    return job.load(folder)


@pytest.fixture(autouse=True)
def _none_left(workspace: Workspace) -> Iterator[None]:
    yield
    for folder in list_reports(workspace):
        folder.request_stop()
        if folder.held and job.load(folder).plan.name == "deaf":
            job.kill(folder)
    until(lambda: not [thread for thread in threading.enumerate() if "-benchmark-" in thread.name])


@pytest.fixture
def run(workspace: Workspace) -> Run:
    """A training run that has been started."""
    made = Run.create(workspace, RunConfig())
    made.append(RunStarted(run_id=made.id, run_dir=str(made.path), pid=1, host="here"))
    return made


def test_a_job_measures_and_ends(workspace: Workspace) -> None:
    folder = job.start(workspace, plan(cases=3), command=COMMAND)
    report = ended(folder)
    assert (report.state, len(report.measurements)) == ("finished", 3)
    assert "case 2 of steady" in job.log_tail(folder)


def test_progress_is_seen_and_a_stop_keeps_what_was_measured(workspace: Workspace) -> None:
    folder = job.start(workspace, plan("patient", cases=500), command=COMMAND)
    until(lambda: len(job.load(folder).measurements) >= 2)
    report = job.load(folder)
    assert report.state == "running"
    assert report.progress is not None
    assert report.progress.total == 500
    folder.request_stop()
    report = ended(folder)
    assert report.state == "stopped"
    assert 2 <= len(report.measurements) < 500
    assert not folder.stop_requested


def test_a_job_outlives_who_started_it_and_is_followed_by_others(workspace: Workspace) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from labcore.benchmark import job; from labcore.benchmark.cases import Case; from labcore.benchmark.plan import Plan\n"
        "from labcore.workspace import Workspace\n"
        "plan = Plan('patient', tuple(Case('cpu', 'compact', batch_size=n + 1) for n in range(500)))\n"
        "print(job.start(Workspace(Path(sys.argv[1])), plan, command=sys.argv[2:]).path)"
    )
    server = [sys.executable, "-c", program, str(workspace.home), *COMMAND]
    done = subprocess.run(server, capture_output=True, text=True, check=True)
    folder = ReportFolder(Path(done.stdout.strip()))
    until(lambda: len(job.load(folder).measurements) >= 2)
    assert job.at_work(workspace) == [folder]
    assert job.load(folder).state == "running"
    folder.request_stop()
    assert ended(folder).state == "stopped"


def test_a_job_stops_on_a_signal_too(workspace: Workspace) -> None:
    folder = ReportFolder.create(workspace, plan("patient", cases=500))
    process = subprocess.Popen([*COMMAND, str(folder.path)], stdout=subprocess.DEVNULL)
    until(lambda: bool(job.load(folder).measurements))
    process.terminate()
    assert process.wait(60) == 0
    assert job.load(folder).state == "stopped"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("killed", "SIGKILL, most likely because the memory ran out"),
        ("mute", "status 7: case 0 of mute"),
        ("device", "the GPU is gone"),
        ("fault", "unexpected ZeroDivisionError: division by nothing"),
    ],
)
def test_a_job_that_breaks_says_why_and_keeps_what_was_measured(workspace: Workspace, name: str, words: str) -> None:
    report = ended(job.start(workspace, plan(name), command=COMMAND))
    assert report.state == "failed"
    assert words in report.error
    assert report.remedy
    assert len(report.measurements) == 1


def test_a_fault_leaves_its_traceback_in_the_log(workspace: Workspace) -> None:
    folder = job.start(workspace, plan("fault"), command=COMMAND)
    ended(folder)
    assert any("ZeroDivisionError" in line for line in job.log_tail(folder))


def test_one_that_does_not_stop_can_be_killed_and_counts_as_stopped(workspace: Workspace) -> None:
    folder = job.start(workspace, plan("deaf", cases=2000), command=COMMAND)
    until(lambda: bool(job.load(folder).measurements))
    folder.request_stop()
    assert job.load(folder).state == "stopping"
    job.kill(folder)
    assert ended(folder).state == "stopped"


def test_nothing_is_killed_where_nothing_is_at_work(workspace: Workspace) -> None:
    with pytest.raises(ReportError):
        job.kill(ReportFolder.create(workspace, plan()))


def test_a_command_that_is_not_there_is_told(workspace: Workspace) -> None:
    report = ended(job.start(workspace, plan(), command=("/nowhere/python",)))
    assert report.state == "failed"
    assert "cannot be started" in report.error


def test_a_run_at_work_is_named_and_no_report_is_made(workspace: Workspace, run: Run) -> None:
    with run.hold(), pytest.raises(RunError, match=run.id):
        job.start(workspace, plan(), command=COMMAND)
    assert list_reports(workspace) == []


def test_a_waiting_job_begins_when_the_run_is_over(workspace: Workspace, run: Run) -> None:
    with run.hold():
        folder = job.start(workspace, plan(), wait=True, command=COMMAND)
        until(lambda: (folder.path / "job.lock").exists() and job.is_waiting(folder))
        report = job.load(folder)
        assert report.state == "waiting"
        assert run.id in report.why
        assert report.measurements == ()
    assert ended(folder).state == "finished"


def test_a_queued_run_comes_first(workspace: Workspace, run: Run) -> None:
    run.append(RunQueued())
    assert run.id in job.obstacle(workspace)


def test_a_waiting_job_can_be_stopped(workspace: Workspace, run: Run) -> None:
    with run.hold():
        folder = job.start(workspace, plan(), wait=True, command=COMMAND)
        folder.request_stop()
        assert job.load(folder).state in ("stopping", "stopped")
        report = ended(folder)
    assert (report.state, report.measurements) == ("stopped", ())


def test_beside_a_run_where_that_was_asked_for(workspace: Workspace, run: Run) -> None:
    with run.hold():
        assert ended(job.start(workspace, plan(), beside=True, command=COMMAND)).state == "finished"


def test_a_second_benchmark_waits_for_the_first(workspace: Workspace) -> None:
    first = job.start(workspace, plan("patient", cases=2000), command=COMMAND)
    until(lambda: first.held)
    with pytest.raises(RunError, match=first.id):
        job.start(workspace, plan(), command=COMMAND)
    second = job.start(workspace, plan(), wait=True, command=COMMAND)
    until(lambda: first.id in job.load(second).why)
    first.request_stop()
    assert ended(second).state == "finished"
    assert ended(first).state == "stopped"


def test_a_waiting_job_whose_process_is_gone_is_interrupted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ReportFolder.create(workspace, plan(), waiting="a run is at work")
    assert job.load(folder).state == "waiting"
    monkeypatch.setattr(job, "START_SECONDS", 0.0)
    assert job.load(folder).state == "interrupted"
    assert job.at_work(workspace) == []


def test_a_waiting_one_is_not_overtaken(workspace: Workspace) -> None:
    older, newer = (ReportFolder.create(workspace, plan(), waiting="") for _ in range(2))
    older, newer = sorted((older, newer), key=lambda folder: folder.id)
    assert older.id in job.obstacle(workspace, but=newer)
    assert job.obstacle(workspace, but=older) == ""


def test_a_report_that_is_gone_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    assert job.main([str(tmp_path / "nothing")]) == job.NOT_OURS
    assert not (tmp_path / "nothing").exists()


def test_a_report_in_other_hands_is_left_alone(workspace: Workspace) -> None:
    folder = ReportFolder.create(workspace, plan("patient", cases=500), waiting="")
    process = subprocess.Popen([*COMMAND, str(folder.path)], stdout=subprocess.DEVNULL)
    until(lambda: folder.held)
    before = len(folder.events())
    done = subprocess.run([*COMMAND, str(folder.path)], capture_output=True, text=True, check=False)
    assert done.returncode == job.NOT_OURS
    assert "another process" in done.stderr
    assert len(folder.events()) >= before
    folder.request_stop()
    process.wait(60)
    assert job.load(folder).state == "stopped"
