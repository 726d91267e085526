"""A run's events as one process reads them: each line once, progress from a small file, and anew where the file was rewritten."""

from __future__ import annotations

import os

import pytest

from labcore.config import RunConfig
from labcore.events import Epoch, Log, Progress, RunFinished, RunStarted, TrainingStarted
from labcore.jobs import event_log
from labcore.jobs.event_log import log_of
from labcore.runs import Run


@pytest.fixture
def run(workspace) -> Run:
    run = Run.create(workspace, RunConfig())
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    run.append(
        TrainingStarted(
            labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device="cpu", device_reason="", precision="fp32",
            memory_format="contiguous", precision_reason="", parameters=9, epochs=4, first_epoch=1,
        )
    )  # fmt: skip
    return run


def progress(epoch: int, step: int) -> Progress:
    return Progress(epoch=epoch, step=step, steps=4, train_loss=1.0, seconds_left=9.0, spent={"mel": 1.0})


def epoch(number: int, **other) -> Epoch:
    figures = {
        "epochs": 4, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "lr": 0.1,
        "clips_per_second": 9.0, "seconds": 1.0, "seconds_left": 3.0, "averaged": False,
    }  # fmt: skip
    return Epoch(epoch=number, **(figures | other))


def test_each_line_is_read_once_by_all_who_look(run, monkeypatch):
    run.events()
    lines = []
    real = event_log.parse
    monkeypatch.setattr(event_log, "parse", lambda line, kinds: lines.append(line) or real(line, kinds))
    for _ in range(3):
        assert [event.type for event in run.events()] == ["run_started", "training_started"]
        assert Run(run.path).status().epochs == 4
    assert lines == []
    run.append(epoch(1))
    assert run.status().epoch == 1
    assert len(run.events()) == 3
    assert len(lines) == 1


def test_progress_is_a_file_that_is_replaced(run):
    before = (run.path / "events.jsonl").read_bytes()
    for step in (1, 2, 3):
        run.append(progress(1, step))
        assert run.status().fraction == step / 16
        assert [event.type for event in run.events()][-1] == "progress"
    assert (run.path / "events.jsonl").read_bytes() == before
    assert sum(event.type == "progress" for event in run.events()) == 1
    run.append(Log(message="beside it"))
    assert run.status().fraction == 3 / 16
    run.append(epoch(1))
    assert run.status().fraction == 1 / 4
    assert run.events()[-1].type == "epoch"


def test_progress_of_before_a_crash_says_nothing_afterwards(run):
    run.append(epoch(1))
    run.append(progress(2, 3))
    run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=2, host="here"))
    assert run.reader().read()[-1].type == "run_started"
    assert Run(run.path).status().fraction == 1 / 4


def test_a_reader_is_told_newer_progress_once(run):
    reader = run.reader()
    reader.read()
    run.append(progress(1, 1))
    assert [event.step for event in reader.read()] == [1]
    assert reader.read() == []
    (run.path / "progress.json").write_text("[")
    assert reader.read() == []


@pytest.mark.parametrize("how", ["another file", "in place", "in place, as long", "shorter", "gone"])
def test_a_file_that_was_rewritten_is_read_anew(run, how):
    run.append(epoch(1))
    run.events()
    file = run.path / "events.jsonl"
    content = file.read_bytes().replace(b'"val_accuracy": 0.5', b'"val_accuracy": 0.9')
    match how:
        case "another file":
            file.with_name("new").write_bytes(content)
            os.replace(file.with_name("new"), file)  # noqa: PTH105
        case "in place":
            file.write_bytes(content + (epoch(2, val_accuracy=0.9).to_json() + "\n").encode())
        case "in place, as long":
            file.write_bytes(content)
            os.utime(file, ns=(1, 1))
        case "shorter":
            file.write_bytes(content[: content.index(b'{"type": "epoch"')])
        case "gone":
            file.unlink()
    assert run.status().accuracy == (None if how in ("shorter", "gone") else 0.9)


def test_a_run_in_the_place_of_another_has_its_own_events(workspace, run):
    run.append(RunFinished(state="finished"))
    assert run.status().state == "finished"
    other = Run.create(workspace, RunConfig())
    run.delete()
    other.path.rename(run.path)
    assert run.events() == []
    assert run.status().state == "interrupted"


def test_a_process_remembers_so_many_runs(workspace, monkeypatch):
    monkeypatch.setattr(event_log, "KEPT_LOGS", 2)
    runs = [Run.create(workspace, RunConfig(), queued=True) for _ in range(4)]
    assert [len(run.events()) for run in runs] == [1] * 4
    assert len(event_log._logs) == 2
    assert log_of(runs[-1]) is log_of(runs[-1])
