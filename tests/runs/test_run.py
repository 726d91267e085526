"""The run directory: what survives which accident."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import pytest

from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.events import (
    Epoch,
    Log,
    Preparing,
    Progress,
    RunFinished,
    RunQueued,
    RunStarted,
    TrainingStarted,
)
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace
from tests.made_events import made_epoch, made_result


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return Run.create(workspace, RunConfig())


def started(run: Run) -> RunStarted:
    return RunStarted(run_id=run.id, run_dir=str(run.path), pid=os.getpid(), host="here")


def epoch(number: int, accuracy: float = 0.5, epochs: int = 4) -> Epoch:
    return made_epoch(number, epochs=epochs, val_accuracy=accuracy, seconds_left=2.0)


def training_started(epochs: int = 4) -> TrainingStarted:
    return TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device="cpu", device_reason="", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=epochs, first_epoch=1,
    )  # fmt: skip


class TestDirectory:
    def test_config_comes_back(self, workspace: Workspace) -> None:
        config = RunConfig().replace({"optim.epochs": 7, "data.dataset": "Größe"})
        run = Run.create(workspace, config)
        assert run.config == config
        assert list_runs(workspace) == [run]

    def test_a_name_of_another_script_is_part_of_its_id(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig().replace({"data.dataset": "/sounds/певчий"}))
        assert "-певчий-" in run.id
        assert Run.open(workspace, unicodedata.normalize("NFD", "певчий")) == run
        assert list_runs(workspace) == [run]

    def test_drafts_and_strangers_are_no_runs(self, workspace: Workspace, run: Run) -> None:
        (workspace.runs / ".x.draft").mkdir()
        (workspace.runs / "notes").mkdir()
        (workspace.runs / "file").touch()
        assert list_runs(workspace) == [run]

    def test_failed_creation_leaves_nothing(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Exception, match="No space left"):
            Run.create(workspace, RunConfig())
        assert list(workspace.runs.iterdir()) == []

    def test_opened_by_id_part_path_and_last(self, workspace: Workspace, run: Run) -> None:
        for name in (run.id, run.id[-4:], run.path, "last"):
            assert Run.open(workspace, name) == run

    @pytest.mark.parametrize("name", ["nothing", "", "x" * 5000, "a/b"])
    def test_unknown_names(self, workspace: Workspace, run: Run, name: str) -> None:
        with pytest.raises(RunError, match="no run"):
            Run.open(workspace, name)

    def test_ambiguous_part(self, workspace: Workspace) -> None:
        Run.create(workspace, RunConfig())
        Run.create(workspace, RunConfig())
        with pytest.raises(RunError, match="2 runs match"):
            Run.open(workspace, "demo")

    def test_unreadable_config_is_told(self, run: Run) -> None:
        (run.path / "config.json").write_text('{"optim": {"epochs": -1}}')
        with pytest.raises(RunError, match=r"optim\.epochs"):
            _ = run.config


class TestEvents:
    def test_partial_last_line_waits_for_its_end(self, run: Run) -> None:
        run.append(Log(message="one"))
        path, line = run.path / "events.jsonl", Log(message="two").to_json().encode()
        reader = run.reader()
        with path.open("ab") as file:
            file.write(line[:20])
        assert [event.message for event in reader.read()] == ["one"]
        with path.open("ab") as file:
            file.write(line[20:] + b"\n")
        assert [event.message for event in reader.read()] == ["two"]
        assert reader.read() == []

    def test_append_after_a_partial_line_starts_a_line_of_its_own(self, run: Run) -> None:
        run.append(Log(message="one"))
        with (run.path / "events.jsonl").open("ab") as file:
            file.write(b'{"type": "log", "mess')
        run.append(Log(message="two"))
        assert [event.message for event in run.events()] == ["one", "two"]

    def test_holder_cuts_a_partial_line(self, run: Run) -> None:
        run.append(Log(message="one"))
        whole = (run.path / "events.jsonl").read_bytes()
        with (run.path / "events.jsonl").open("ab") as file:
            file.write(b'{"type": "log", "mess')
        with run.hold():
            assert (run.path / "events.jsonl").read_bytes() == whole

    def test_unreadable_lines_are_passed_over(self, run: Run) -> None:
        run.append(Log(message="one"))
        with (run.path / "events.jsonl").open("ab") as file:
            file.write(b'\xff\xfe\x00\n[1]\n{"type": "log"}\n{"time": 1}\nnull\n\n{"type": "epoch", "time": 1}\n')
        run.append(Log(message="two"))
        assert [event.message for event in run.events()] == ["one", "two"]
        assert run.status().state == "interrupted"  # the half epoch breaks nothing

    def test_sigkill_in_the_middle_of_appending(self, run: Run) -> None:
        script = (
            "import sys; from pathlib import Path; from labcore.runs import Run; from labcore.events import Log\n"
            "run = Run(Path(sys.argv[1]))\n"
            "with run.hold():\n"
            "    run.append(Log(message='first')); print('go', flush=True)\n"
            "    while True: run.append(Log(message='x' * 20000))\n"
        )
        writer = subprocess.Popen([sys.executable, "-c", script, str(run.path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        with writer.stdout:
            writer.stdout.readline()
            assert run.held
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        assert not run.held
        with run.hold():
            run.append(Log(message="last"))
        lines = (run.path / "events.jsonl").read_bytes().splitlines()
        assert all(json.loads(line)["type"] == "log" for line in lines)
        assert run.events()[0].message == "first"
        assert run.events()[-1].message == "last"

    def test_epochs_are_keyed_by_number_and_the_last_one_wins(self, run: Run) -> None:
        for event in (epoch(1, 0.1), epoch(2, 0.2), epoch(2, 0.3), epoch(3, 0.4)):
            run.append(event)
        assert [(event.epoch, event.val_accuracy) for event in run.epochs()] == [(1, 0.1), (2, 0.3), (3, 0.4)]


class TestLock:
    def test_held_by_this_very_thread(self, run: Run) -> None:
        assert not run.held
        with run.hold():
            assert run.held
            with pytest.raises(RunError, match="is running"), run.hold(timeout=0.1):
                pass
            assert run.held
        assert not run.held
        with run.hold(timeout=0.1):
            pass

    def test_held_by_another_thread(self, run: Run) -> None:
        inside, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with run.hold():
                inside.set()
                leave.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        inside.wait(10)
        assert run.held
        leave.set()
        thread.join()
        assert not run.held

    def test_lookers_do_not_see_each_other(self, run: Run) -> None:
        with run.hold():
            pass
        seen: list[bool] = []
        threads = [threading.Thread(target=lambda: seen.extend(run.held for _ in range(300))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 1200
        assert not any(seen)

    def test_lookers_do_not_keep_a_worker_out(self, run: Run) -> None:
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                _ = run.held

        thread = threading.Thread(target=look)
        thread.start()
        try:
            for _ in range(20):
                with run.hold(timeout=5):
                    assert run.held
        finally:
            over.set()
            thread.join()

    def test_a_removed_run_does_not_come_back(self, run: Run) -> None:
        run.delete()
        with pytest.raises(RunError, match="no longer exists"), run.hold(timeout=0.1):
            pass
        assert not run.path.exists()

    def test_a_folder_without_configuration_keeps_what_it_has(self, run: Run) -> None:
        (run.path / "config.json").unlink()
        run.weights.write_bytes(b"x")
        with pytest.raises(RunError), run.hold(timeout=0.1):
            pass
        assert run.weights.read_bytes() == b"x"


class TestDelete:
    def test_removes_everything(self, workspace: Workspace, run: Run) -> None:
        run.append(Log(message="one"))
        run.delete()
        assert list(workspace.runs.iterdir()) == []

    def test_not_while_held(self, run: Run) -> None:
        with run.hold(), pytest.raises(RunError, match="is running"):
            run.delete()
        assert run.path.exists()


class TestStatus:
    def test_made_but_never_started(self, run: Run) -> None:
        assert run.status().state == "interrupted"
        with run.hold():
            assert run.status().state == "running"

    def test_queued(self, workspace: Workspace) -> None:
        run = Run.create(workspace, RunConfig(), queued=True)
        status = run.status()
        assert (status.state, status.active) == ("queued", True)
        assert status.queued_at == run.events()[0].time

    def test_running_stopping_interrupted(self, run: Run) -> None:
        run.append(started(run))
        with run.hold():
            assert run.status().state == "running"
            run.request_stop()
            assert run.status().state == "stopping"
        assert run.status().state == "interrupted"

    @pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
    def test_ended(self, run: Run, state: str) -> None:
        run.append(started(run))
        run.append(RunFinished(state=state, error="why", remedy="do"))
        status = run.status()
        assert (status.state, status.active, status.error, status.remedy) == (state, False, "why", "do")

    def test_resumed_is_queued_again(self, run: Run) -> None:
        for event in (started(run), RunFinished(state="stopped"), RunQueued()):
            run.append(event)
        assert run.status().state == "queued"

    def test_progress(self, run: Run) -> None:
        run.append(started(run))
        run.append(Preparing(what="building", done=3, total=10))
        with run.hold():
            preparing = run.status().preparing
            assert preparing is not None
            assert preparing.done == 3
            run.append(training_started())
            run.append(Progress(epoch=1, step=5, steps=10, train_loss=1.0, seconds_left=7.0))
            status = run.status()
            assert status.preparing is None
            assert (status.fraction, status.seconds_left, status.epochs) == (0.125, 7.0, 4)
            run.append(epoch(1, 0.7))
            status = run.status()
            assert (status.epoch, status.fraction, status.accuracy) == (1, 0.25, 0.7)
        run.append(made_result(0.9, accuracy_low=0.8, accuracy_high=1.0, macro_f1=0.9, clips=2))
        run.append(RunFinished(state="finished"))
        status = run.status()
        assert (status.accuracy, status.fraction, status.seconds_left) == (0.9, 1.0, None)
