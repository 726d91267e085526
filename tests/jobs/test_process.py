"""The worker function: what it writes for each way a training can go."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.events import Event, RunFinished
from labcore.jobs.about import change_about
from labcore.jobs.process import NOT_OURS, work
from labcore.runs import Run
from labcore.workspace import Workspace

MakeConfig = Callable[..., RunConfig]


def kinds(run: Run) -> list[str]:
    return [event.type for event in run.events()]


def test_finished(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run, seen = Run.create(workspace, make_config()), list[Event]()
    finished = work(run, on_event=seen.append, doing=fake_train)
    assert (finished.state, finished.epochs_done, finished.error) == ("finished", 2, "")
    assert kinds(run) == ["run_started", "preparing", "training_started", "epoch", "epoch", "evaluated", "run_finished"]
    assert [event.type for event in seen] == kinds(run)
    assert run.events()[0].run_dir == str(run.path)
    assert run.status().state == "finished"
    assert not run.held


def test_stopped_and_resumed_to_the_same_end(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config(epochs=4))
    finished = work(run, lambda: len(run.epochs()) >= 2, doing=fake_train)
    assert (finished.state, finished.epochs_done) == ("stopped", 2)
    assert work(run, doing=fake_train).state == "finished"
    assert [event.epoch for event in run.epochs()] == [1, 2, 3, 4]


def test_stop_file_stops_and_is_cleared(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config(epochs=2000))
    finished = work(run, on_event=lambda event: run.request_stop() if event.type == "epoch" else None, doing=fake_train)
    assert (finished.state, finished.epochs_done) == ("stopped", 1)
    assert not run.stop_requested


def test_stopped_before_it_began(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config())
    assert work(run, lambda: True, doing=fake_train).state == "stopped"
    assert kinds(run) == ["run_started", "run_finished"]


def test_stop_that_comes_after_the_last_epoch_changes_nothing(
    workspace: Workspace, make_config: MakeConfig, fake_train: Any
) -> None:
    run = Run.create(workspace, make_config())
    finished = work(run, on_event=lambda e: run.request_stop() if e.type == "evaluated" else None, doing=fake_train)
    assert finished.state == "finished"


def test_out_of_memory_tells_what_fits(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config("memory"))
    finished = work(run, doing=fake_train)
    assert (finished.state, finished.details["fits"], finished.details["kind"]) == ("failed", 8, "OutOfMemoryError")
    assert (finished.error, finished.remedy) == ("a batch of 32 does not fit", "Take a batch size of 8")


def test_lab_error_is_told(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config("data"))
    finished = work(run, doing=fake_train)
    status = run.status()
    assert finished.details["kind"] == "DatasetError"
    assert (status.state, status.error, status.remedy) == ("failed", "the clips are gone", "Bring them back")
    assert (status.epoch, finished.epochs_done) == (1, 1)


def test_fault_keeps_its_traceback_in_the_log(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config("fault"))
    finished = work(run, doing=fake_train)
    assert finished.state == "failed"
    assert "ZeroDivisionError: division by nothing" in finished.error
    assert "Traceback" in run.log.read_text()
    assert finished.details["log"][-1] == "ZeroDivisionError: division by nothing"


def test_work_that_cannot_be_loaded_is_told(
    workspace: Workspace, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "kind", replace(Run.kind, work="labcore.nowhere:work"))
    run = Run.create(workspace, make_config())
    assert "ModuleNotFoundError" in work(run).error
    assert kinds(run) == ["run_started", "run_finished"]


@pytest.mark.parametrize(
    ("error", "where"),
    [(MemoryError(), "machine"), (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "device")],
)
def test_memory_that_runs_out(workspace: Workspace, make_config: MakeConfig, error: Exception, where: str) -> None:
    def train(*_: object) -> list[Event]:
        raise error

    finished = work(Run.create(workspace, make_config()), doing=train)
    assert finished.details["kind"] == "OutOfMemoryError"
    assert finished.error == f"The {where} ran out of memory"
    assert finished.remedy


def test_the_end_is_told_where_cuda_fails_in_all_it_is_asked(
    workspace: Workspace, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[Event]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    cuda = SimpleNamespace(is_initialized=lambda: True, empty_cache=fail)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    run = Run.create(workspace, make_config())
    assert "illegal memory access" in work(run, doing=fail).error
    assert run.status().state == "failed"


def test_unreadable_config_is_a_failure_of_the_run(
    workspace: Workspace, make_config: MakeConfig, fake_train: Any
) -> None:
    run = Run.create(workspace, make_config())
    (run.path / "config.json").write_text("{")
    assert work(run, doing=fake_train).state == "failed"
    assert "configuration" in run.status().error


def test_run_removed_under_the_worker(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config(epochs=100))

    def remove(event: Event) -> None:
        if event.type == "epoch":
            shutil.rmtree(run.path)

    assert work(run, on_event=remove, doing=fake_train).state == "failed"
    assert not run.path.exists()


def test_full_disk_leaves_a_run_that_can_be_resumed(
    workspace: Workspace, make_config: MakeConfig, fake_train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, append, written = Run.create(workspace, make_config(epochs=3)), Run.append, list[Event]()

    def limited(self: Run, event: Event) -> None:
        if len(written) == 4:
            from labcore.errors import WorkspaceError

            raise WorkspaceError("no space left")
        written.append(event)
        append(self, event)

    monkeypatch.setattr(Run, "append", limited)
    finished = work(run, doing=fake_train)
    assert (finished.state, finished.error) == ("failed", "no space left")
    assert run.status().state == "interrupted"
    monkeypatch.undo()
    assert work(run, doing=fake_train).state == "finished"


def test_a_disk_that_is_full_is_no_fault_of_the_lab(workspace: Workspace, make_config: MakeConfig) -> None:
    def writes(*_: object) -> Iterator[Event]:
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    finished = work(Run.create(workspace, make_config()), doing=writes)
    assert finished.error.endswith("cannot be written: No space left on device")
    assert finished.remedy == "Free some space, then resume it"


def test_two_workers_on_one_run(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config())
    with run.hold(), pytest.raises(RunError, match="is running"):
        work(run, doing=fake_train)
    assert run.events() == []


def test_only_queued(workspace: Workspace, make_config: MakeConfig, fake_train: Any) -> None:
    run = Run.create(workspace, make_config(), queued=True)
    run.append(RunFinished(state="stopped"))
    with pytest.raises(RunError, match="is no longer queued"):
        work(run, doing=fake_train, only_queued=True)
    assert run.status().state == "stopped"


def test_workspace_of(workspace: Workspace, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(workspace, make_config())
    assert run.workspace == workspace
    monkeypatch.setenv("LABCORE_HOME", "/elsewhere")
    assert str(Run(run.path.parent.parent / "copy").workspace.home) == "/elsewhere"


class TestProcess:
    def test_finishes(self, workspace: Workspace, make_config: MakeConfig, fake_command: list[str]) -> None:
        run = Run.create(workspace, make_config(), queued=True)
        assert subprocess.run([*fake_command, run.path], check=False, capture_output=True).returncode == 0
        assert run.status().state == "finished"

    def test_sigterm_stops(self, workspace: Workspace, make_config: MakeConfig, fake_command: list[str]) -> None:
        run = Run.create(workspace, make_config(epochs=2000), queued=True)
        worker = subprocess.Popen([*fake_command, run.path], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        with worker.stdout:
            worker.stdout.readline()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        assert run.status().state == "stopped"

    def test_run_that_is_gone(self, workspace: Workspace, fake_command: list[str]) -> None:
        done = subprocess.run([*fake_command, workspace.runs / "x"], check=False, capture_output=True, text=True)
        assert done.returncode == NOT_OURS
        assert "no longer exists" in done.stderr
        assert "Traceback" not in done.stderr


def test_with_a_umask_for_it_a_group_may_write_what_one_of_them_makes(
    workspace: Workspace, make_config: MakeConfig
) -> None:
    before = os.umask(0o002)
    try:
        run = Run.create(workspace, make_config(), queued=True)
        with run.hold():
            run.save("more", {})
            run.request_stop("Ada")
        change_about(run.path, name="a name")
    finally:
        os.umask(before)
    assert [path.name for path in (run.path, *run.path.rglob("*")) if not path.stat().st_mode & 0o020] == []
