"""The queue and its supervisor, with make-believe training in real processes and threads."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.datasets.layouts import read_dataset
from labcore.datasets.record import ClipRecord
from labcore.errors import DatasetError, RunError, WorkspaceError
from labcore.jobs.executors import ProcessChild, ThreadChild
from labcore.jobs.manager import JobManager
from labcore.runs import Run
from labcore.workspace import Workspace
from tests.jobs.inline import InlineChild
from tests.jobs.told import began, ended, state

MakeManager = Callable[..., JobManager]
MakeConfig = Callable[..., RunConfig]
Until = Callable[..., None]
Submit = Callable[..., Run]

both = pytest.mark.parametrize("worker", ["process", "thread"])


def test_first_come_first_served(submit: Submit, make_manager: MakeManager, make_config: MakeConfig) -> None:
    manager = make_manager("inline")
    runs = [submit(manager, make_config()) for _ in range(3)]
    while manager.look():
        assert manager.queue() == [run for run in runs if state(run) == "queued"]
    assert [state(run) for run in runs] == ["finished"] * 3
    for first, second in itertools.pairwise(runs):
        assert ended(first).time <= began(second)


@both
def test_stop_and_resume(
    submit: Submit, worker: str, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager(worker)
    run = submit(manager, make_config(epochs=2000))
    until(lambda: run.status().epoch >= 2)
    with pytest.raises(RunError, match="is running"):
        manager.resume(run)
    manager.stop(run)
    until(lambda: state(run) == "stopped")
    epochs = run.status().epoch
    manager.resume(run)
    until(lambda: run.status().epoch > epochs)
    assert [event.epoch for event in run.epochs()] == list(range(1, len(run.epochs()) + 1))
    manager.stop(run)
    until(lambda: state(run) == "stopped")
    manager.remove(run)
    assert not run.path.exists()


def test_stop_during_start(submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until) -> None:
    manager = make_manager()
    run = submit(manager, make_config(epochs=2000))
    until(lambda: run.path in manager._workers)
    manager.stop(run)
    until(lambda: state(run) == "stopped")
    assert ended(run).error == ""


def test_queued_run_leaves_the_queue(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager("thread")
    first = submit(manager, make_config(epochs=2000))
    second, third = submit(manager, make_config()), submit(manager, make_config())
    until(lambda: state(first) == "running")
    assert manager.queue() == [second, third]
    manager.stop(second)
    assert (state(second), manager.queue()) == ("stopped", [third])
    manager.remove(third)
    assert manager.queue() == []
    manager.resume(second)
    assert manager.queue() == [second]
    with pytest.raises(RunError, match="is running"):
        manager.remove(first)
    manager.stop(first)
    until(lambda: state(second) == "finished")


def test_killed_worker_is_told_and_resumed(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager()
    run = submit(manager, make_config("killed", epochs=2))
    until(lambda: state(run) == "failed")
    status, details = run.status(), ended(run).details
    assert "signal 9 (SIGKILL)" in status.error
    assert "memory" in status.error
    assert "batch size" in status.remedy
    assert details["log"][-1] == "epoch 1 of killed"
    assert ended(run).epochs_done == 1
    manager.resume(run)
    until(lambda: len([event for event in run.events() if event.type == "run_finished"]) == 2)
    assert [event.epoch for event in run.epochs()] == [1, 2]


@pytest.mark.parametrize(("kind", "words"), [("memory", "does not fit"), ("fault", "ZeroDivisionError")])
def test_failures(kind: str, words: str, submit: Submit, make_manager: MakeManager, make_config: MakeConfig) -> None:
    manager = make_manager("inline")
    bad, good = submit(manager, make_config(kind)), submit(manager, make_config())
    while manager.look():
        pass
    assert (state(bad), state(good)) == ("failed", "finished")
    assert words in bad.status().error


def test_a_process_that_ends_without_a_word(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    run = submit(make_manager(), make_config("mute"))
    until(lambda: state(run) == "failed")
    assert "status 0" in run.status().error


def test_worker_that_does_not_start(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    broken = [sys.executable, "-c", "import a_module_that_is_not_there"]
    run = submit(make_manager(command=broken), make_config())
    until(lambda: state(run) == "failed")
    assert "a_module_that_is_not_there" in run.status().error
    assert any("ModuleNotFoundError" in line for line in ended(run).details["log"])


def test_worker_program_that_is_missing(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    run = submit(make_manager(command=["/no/such/program"]), make_config())
    until(lambda: state(run) == "failed")
    assert "cannot be started" in run.status().error


def test_deaf_worker_is_killed_after_the_grace(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labcore.jobs.manager.STOP_GRACE_SECONDS", 0.2)
    manager = make_manager()
    run = submit(manager, make_config("deaf", epochs=2000))
    until(lambda: run.status().epoch >= 1)
    manager.stop(run)
    until(lambda: state(run) == "stopped")
    assert "SIGKILL" in ended(run).details["reason"]


def test_different_devices_go_side_by_side(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager("thread")
    on_cpu = submit(manager, make_config(epochs=2000, device="cpu"))
    on_gpu = submit(manager, make_config(epochs=2000, device="cuda"))
    same_gpu = submit(manager, make_config(device="cuda:0"))
    until(lambda: state(on_cpu) == state(on_gpu) == "running")
    assert manager.queue() == [same_gpu]
    manager.stop(on_cpu)


def test_runs_that_leave_their_device_open_take_a_gpu_each(
    workspace: Workspace, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Child(InlineChild):
        alive = True

        def __post_init__(self) -> None:
            given.append(self.device)

    given: list[str] = []
    monkeypatch.setattr("labcore.jobs.manager.open_gpus", lambda: ("cuda:0", "cuda:1"))
    with contextlib.closing(JobManager(workspace, Child, background=False)) as manager:
        for _ in range(3):
            Run.create(workspace, make_config(device="auto"), queued=True)
            manager.look()
    assert given == ["cuda:0", "cuda:1"]


def test_thread_worker_is_stopped_and_joined_on_close(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager("thread")
    run = submit(manager, make_config(epochs=2000))
    until(lambda: run.status().epoch >= 1)
    manager.close()
    assert state(run) == "stopped"
    manager.close()


def test_run_removed_under_the_manager(
    submit: Submit, make_manager: MakeManager, make_config: MakeConfig, until: Until
) -> None:
    manager = make_manager("thread")
    gone, waiting = submit(manager, make_config(epochs=2000)), submit(manager, make_config())
    until(lambda: gone.status().epoch >= 1)
    gone.path.rename(gone.path.with_name(".gone"))
    until(lambda: state(waiting) == "finished")
    assert not gone.path.exists()


def test_corrupted_events(make_manager: MakeManager, make_config: MakeConfig, workspace: Workspace) -> None:
    broken = Run.create(workspace, make_config(), queued=True)
    with (broken.path / "events.jsonl").open("ab") as file:
        file.write(b'\x00\xff\n{"type": "training_started", "time": 1}\n{"type": "epoch", "time": 2}\n{"type": "run_')
    manager = make_manager("inline")
    while manager.look():
        pass
    assert state(broken) == "finished"
    assert [event.epoch for event in broken.epochs()] == [1, 2]
    (broken.path / "events.jsonl").write_bytes(b"\xff" * 100)
    assert state(broken) == "interrupted"
    manager.resume(broken)
    while manager.look():
        pass
    assert state(broken) == "finished"


def test_a_run_that_is_gone(make_manager: MakeManager, workspace: Workspace) -> None:
    manager, gone = make_manager(), Run(workspace.runs / "nothing")
    for act in (manager.stop, manager.resume, manager.remove):
        with pytest.raises(RunError, match="no longer exists"):
            act(gone)
    assert not gone.path.exists()


def test_finished_run_cannot_be_resumed(submit: Submit, make_manager: MakeManager, make_config: MakeConfig) -> None:
    manager = make_manager("inline")
    run = submit(manager, make_config())
    manager.look()
    with pytest.raises(RunError, match="finished"):
        manager.resume(run)
    manager.stop(run)
    assert state(run) == "finished"


def test_kind_of_worker_from_the_environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, executor in (("", ProcessChild), ("thread", ThreadChild)):
        monkeypatch.setenv("LABCORE_WORKER", value)
        manager = JobManager(workspace, background=False)
        assert manager.executor is executor
        manager.close()


def test_a_run_whose_data_set_is_away_is_not_queued_until_its_place_is_named(
    submit: Submit,
    make_manager: MakeManager,
    make_config: MakeConfig,
    class_folders: Path,
    workspace: Workspace,
    until: Until,
) -> None:
    manager = make_manager("thread")
    away, there = class_folders.with_name("away"), class_folders.with_name("there")
    run = submit(manager, make_config(epochs=2000).replace({"data.dataset": str(away)}))
    until(lambda: len(run.epochs()) > 0)
    manager.stop(run)
    until(lambda: run.status().state == "stopped")
    clips = read_dataset(class_folders)
    replace(ClipRecord.of(clips, clips.table), root=str(away)).save(run)
    before = run.events()
    with pytest.raises(DatasetError, match=f"was at {away}"):
        manager.resume(run)
    with pytest.raises(DatasetError, match="no data set"):
        manager.resume(run, dataset=str(there))
    assert run.events() == before
    class_folders.rename(there)
    manager.resume(run, dataset=str(there))
    assert run.config.data.dataset == str(there)
    until(lambda: run.status().state == "running")


def test_a_run_that_no_worker_can_take_up_is_passed_over(
    make_manager: MakeManager,
    make_config: MakeConfig,
    workspace: Workspace,
    until: Until,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad, good = (Run.create(workspace, make_config(), queued=True) for _ in range(2))
    bad.log.mkdir()  # its worker cannot be started, and the end of that cannot be told
    (bad.path / "lock").mkdir()
    make_manager()
    until(lambda: state(good) == "finished")
    assert state(bad) == "queued"
    assert f"run {bad.id} cannot be locked" in capsys.readouterr().err


def test_a_stop_that_cannot_be_asked_for_is_told(make_config: MakeConfig, workspace: Workspace) -> None:
    run = Run.create(workspace, make_config())
    shutil.rmtree(run.path)
    with pytest.raises(WorkspaceError, match="cannot be asked to stop"):
        run.request_stop("Ada")


def test_a_worker_that_leaves_its_run_as_it_was_is_not_started_again_at_once(
    make_manager: MakeManager, make_config: MakeConfig, workspace: Workspace, until: Until
) -> None:
    starts = workspace.home / "starts"
    script = (
        f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"  # as a worker that finds the run in other hands
    )
    Run.create(workspace, make_config(), queued=True)
    manager = make_manager(command=[sys.executable, "-c", script])
    until(lambda: manager._passed_over)
    assert starts.read_text() == "x"
    assert len(manager.queue()) == 1


def test_what_a_kill_left_of_jobs_made_and_removed_is_swept(
    make_manager: MakeManager, make_config: MakeConfig, workspace: Workspace
) -> None:
    run = Run.create(workspace, make_config())
    removed, made, fresh = (workspace.runs / f".{name}" for name in ("a.trash", "b.draft", "c.draft"))
    for left in (removed, made, fresh):
        shutil.copytree(run.path, left)
    os.utime(made, (1e9, 1e9))
    make_manager("inline").look()
    assert [left.exists() for left in (removed, made, fresh)] == [
        False,
        False,
        True,
    ]  # the last one may be made just now
    assert run.there
