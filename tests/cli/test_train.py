"""``train`` and ``resume`` with real, tiny trainings."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy

from labcore.cli.main import COMMANDS
from labcore.cli.train import check_inputs
from labcore.config import RunConfig
from labcore.errors import OutOfMemoryError
from labcore.events import Estimate, Event, Preparing, SettingsChanged
from labcore.export import again
from labcore.jobs.manager import JobManager
from labcore.runs import Run, list_runs
from labcore.runs.asked import asked_for
from labcore.training.estimates import EstimateJob
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


def assert_same_weights(one: Run, other: Run) -> None:
    """Bit for bit. The files may differ: safetensors writes the entries of its header in any order."""
    first, second = safetensors.numpy.load_file(one.weights), safetensors.numpy.load_file(other.weights)
    assert list(first) == list(second)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_json_lines(workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...]) -> None:
    told = labcore("train", "--json", "--dataset", tones, "--epochs", "2", *tiny)
    assert told.status == 0
    lines = told.lines
    (run,) = list_runs(workspace)
    assert lines[0]["type"] == "run_started"
    assert (lines[0]["run_id"], lines[0]["run_dir"]) == (run.id, str(run.path))
    epochs = [line for line in lines if line["type"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2]
    figures = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "clips_per_second"}
    assert all(figures <= set(line) for line in epochs)
    assert (lines[-1]["type"], lines[-1]["state"]) == ("run_finished", "finished")
    assert lines == [event.facts() for event in run.events()]
    assert sum(line.startswith("epoch ") for line in told.err.splitlines()) == 2
    assert "\r" not in told.err


def test_for_people(workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...]) -> None:
    told = labcore("train", "--dataset", tones, "--epochs", "1", *tiny)
    (run,) = list_runs(workspace)
    assert (told.status, told.out) == (0, f"{run.id}\n")
    assert run.status().state == "finished"
    assert "accuracy" in told.err
    assert "test fold" in told.err


def test_the_command_line_of_a_run_does_it_again_with_its_changes_and_times_again_where_asked(
    workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...]
) -> None:
    for what in ("precision", "routes"):
        (workspace.cache / what).mkdir(parents=True)
        (workspace.cache / what / "choice.json").write_text("{}")
    told = labcore("train", "--dataset", tones, "--epochs", "2", "--set", "2:dropout=0.4", "--time-again", *tiny)
    assert "2 timings forgotten" in told.err
    (run,) = list_runs(workspace)
    assert run.last_event(SettingsChanged).changes == {"model.dropout": 0.4}
    assert asked_for(run).audio.clip_seconds is None or "--audio.clip_seconds" in tiny
    line = shlex.split(again(run))
    assert labcore(*line[1:]).status == 0
    other, first = list_runs(workspace)
    assert_same_weights(first, other)
    assert (other.config, asked_for(other)) == (first.config, asked_for(first))


def test_the_article_s_flags(
    workspace: Workspace, labcore: Labcore, tones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told = labcore("train", "--dataset", tones, "--batch-size", "32", "--epochs", "50", "--gpu")
    assert (told.status, told.out) == (2, "")
    assert "cuda cannot be used" in told.err
    assert list_runs(workspace) == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--fold", "99"], "99"),
        (["--model", "nothing"], "compact"),
        (["--device", "tpu"], "tpu"),
        (["--model.pretrained", "nix.pth"], "there are no weights at nix.pth"),
        (["--noise", "0.5", "--augment.noise_file", "nix.wav"], "nix.wav"),
    ],
)
def test_bad_input_makes_no_run(
    workspace: Workspace, labcore: Labcore, tones: Path, words: list[str], named: str
) -> None:
    told = labcore("train", "--dataset", tones, *words)
    assert told.status == 2
    assert named in told.err
    assert len(told.err.splitlines()) == 1
    assert list_runs(workspace) == []


def test_path_of_a_data_set_is_kept_absolute(
    workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tones.parent)
    assert labcore("train", "--dataset", tones.name, "--epochs", "1", *tiny).status == 0
    assert list_runs(workspace)[0].config.data.dataset == str(tones)


def test_configuration_of_a_run_trains_to_the_same_weights(
    trained: Workspace, labcore: Labcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = list_runs(trained)
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path))
    assert labcore("train", "--config", first.path).status == 0
    (second,) = list_runs(Workspace(tmp_path))
    assert second.config == first.config
    assert_same_weights(second, first)


def test_watched_left_by_its_reader_interrupted_and_resumed_it_ends_as_never_stopped(
    workspace: Workspace, start: Start, labcore: Labcore, tones: Path, tiny: tuple[str, ...], until: Callable[..., None]
) -> None:
    """As under nohup: SIGHUP is ignored from the start and does not stop the run, nor does a closed stdout; SIGINT does."""
    words = ["train", "--json", "--dataset", tones, "--epochs", "20", *tiny]

    def interrupt(process: subprocess.Popen[str], run: Run) -> None:
        until(lambda: run.status().epoch >= 3)
        process.send_signal(signal.SIGINT)

    with start(*words, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["type"] == "run_started"
        while json.loads(process.stdout.readline())["type"] != "epoch":
            pass
        process.send_signal(signal.SIGHUP)
        process.stdout.close()
        (stopped,) = list_runs(workspace)
        interrupting = threading.Thread(target=interrupt, args=(process, stopped))
        interrupting.start()
        lines = labcore("runs", "show", "last", "--follow", "--json").lines
        interrupting.join()
        assert process.wait(60) == 130
        assert "labcore resume" in process.stderr.read()
    assert (lines[0]["type"], lines[-1]["type"], lines[-1]["state"]) == ("run_started", "run_finished", "stopped")
    assert 3 <= stopped.status().epoch < 20
    assert labcore("resume", stopped.id, "--json").lines[-1]["state"] == "finished"
    assert [event.epoch for event in stopped.epochs()] == list(range(1, 21))
    assert labcore(*words).status == 0
    assert_same_weights(stopped, list_runs(workspace)[0])
    again = labcore("resume", stopped.id)
    assert (again.status, "finished" in again.err) == (2, True)


def test_fault_in_training_is_status_1_with_its_traceback_in_the_log(
    workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("labcore.training.loop.train", broken)
    told = labcore("train", "--dataset", tones, *tiny)
    assert told.status == 1
    assert "Traceback" not in told.err
    (run,) = list_runs(workspace)
    assert str(run.log) in told.err
    assert "Traceback" in run.log.read_text()


@pytest.mark.slow
def test_killed_under_the_job_manager_and_resumed(
    trained: Workspace, workspace: Workspace, labcore: Labcore, until: Callable[..., None]
) -> None:
    """The worker process that a server starts, past SIGKILL. tests/jobs/test_manager.py has a manager resume one."""
    (straight,) = list_runs(trained)
    run = Run.create(workspace, straight.config, queued=True)
    with contextlib.closing(JobManager(workspace, poll_seconds=0.02)) as manager:
        manager.take(run)
        until(lambda: run.status().epoch >= 1)
        manager._workers[run.path].process.kill()  # type: ignore[attr-defined]
        until(lambda: not run.status().active)
        until(lambda: not manager._workers)
    if run.status().state != "finished":  # it may have been quicker than the signal
        assert run.status().state == "failed"
        assert "SIGKILL" in run.status().error
        assert labcore("resume", run.id).status == 0
    assert run.status().state == "finished", run.log.read_text()
    assert_same_weights(run, straight)
    assert run.log.read_text() == ""


def test_every_command_has_a_module() -> None:
    folder = Path(__file__).parents[2] / "labcore" / "cli"
    assert all((folder / f"{name}.py").is_file() for name in COMMANDS)


def test_second_signal_kills() -> None:
    script = (
        "import time; from labcore.cli.signals import stop_on_signals\n"
        "with stop_on_signals('asked') as stopping:\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(0.01)\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT


@pytest.mark.parametrize("flag", ["--estimate", "--forecast"])
def test_an_estimate_trains_nothing(
    workspace: Workspace, labcore: Labcore, tones: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    result = Estimate(
        seconds_per_epoch=2.0, seconds_total=320.0, epochs=160, batch_size=32, micro_batch=16, peak_bytes=10**9, memory_bytes=2 * 10**9,
        largest_batch=48, steps_timed=10, clips=100,
    )  # fmt: skip

    loading: list[float] = []

    def measure(*given: Any) -> Iterator[Event]:
        loading.append(given[-1])
        yield Preparing(what="taking a few steps", done=0, total=10)
        return result

    def checked(config: RunConfig, workspace: Workspace) -> RunConfig:
        time.sleep(0.2)
        return check_inputs(config, workspace)

    monkeypatch.setattr("labcore.training.estimate.measure", measure)
    monkeypatch.setattr("labcore.cli.train.check_inputs", checked)
    told = labcore("train", "--dataset", tones, flag)
    assert loading[0] >= 0.2  # what the command takes before its first line is a part of the run's time
    assert told.status == 0
    assert "5:20 for 160 epochs" in told.out
    assert "in micro-batches of 16; up to about 48 clips fit in memory" in told.out
    (line,) = labcore("train", "--dataset", tones, flag, "--json").lines
    assert (line["type"], line["largest_batch"]) == ("estimate", 48)
    assert [job.status().state for job in EstimateJob.every(workspace)] == ["finished"] * 2
    assert not list_runs(workspace)


def test_an_estimate_that_fails_says_why(
    workspace: Workspace, labcore: Labcore, tones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*_: object) -> Iterator[Event]:
        yield Preparing(what="taking a few steps", done=0, total=10)
        raise OutOfMemoryError("a batch of 32 does not fit", "Take 16", 16)

    monkeypatch.setattr("labcore.training.estimate.measure", measure)
    told = labcore("train", "--dataset", tones, "--estimate")
    assert (told.status, told.out) == (1, "")
    assert "labcore: a batch of 32 does not fit. Take 16." in told.err
