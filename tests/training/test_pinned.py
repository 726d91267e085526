"""Clips of the user's own, classified after every epoch."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from labcore.events import Epoch, Log
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.training import pinned
from labcore.training.loop import train
from labcore.training.pinned import Pinned


def write(path, seconds=0.7):
    time = np.arange(int(seconds * 8000)) / 8000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 700 * time), 8000)


def test_pinned_clips_are_told_and_change_nothing(tiny, tmp_path):
    config = tiny.config.replace({"augment.noise": 0.5, "optim.averaging": 0.5})
    runs = [Run.create(tiny.workspace, config) for _ in range(2)]
    first, late = tmp_path / "whistle.wav", tmp_path / "late.wav"
    write(first)
    write(late, 0.1)
    runs[1].pin(first.name, first.read_bytes())
    runs[1].pin("broken.wav", b"no sound")
    told = []
    for run in runs:
        told.append(list[object]())
        for event in train(config, run, tiny.workspace):
            told[-1].append(event)
            if run is runs[1] and isinstance(event, Epoch) and event.epoch == 2:
                run.pin(late.name, late.read_bytes())
    plain, epochs = ([event for event in events if isinstance(event, Epoch)] for events in told)
    assert [list(event.pinned) for event in epochs] == [["whistle.wav"]] * 2 + [["late.wav", "whistle.wav"]] * 2
    assert [event.pinned for event in plain] == [{}] * 4
    figures = [[(event.train_loss, event.val_loss) for event in events] for events in (plain, epochs)]
    assert figures[0] == figures[1]
    assert runs[0].weights.read_bytes() == runs[1].weights.read_bytes()
    saved = Classifier.load(runs[1].path)
    for file in (first, late):
        assert epochs[-1].pinned[file.name] == pytest.approx(saved.classify(file).probabilities, abs=1e-4)
    warnings = [event for event in told[1] if isinstance(event, Log) and event.level == "warning"]
    assert len(warnings) == 1
    assert "broken.wav" in warnings[0].message


def test_files_come_change_and_go(tiny, monkeypatch):
    run = Run.create(tiny.workspace, tiny.config)
    classifier = Classifier(tiny.config, ["a", "b"]).eval()
    clips = Pinned(run)
    assert clips.probabilities(classifier) == {}
    run.pin("a.wav", b"half a fi")
    (run.pinned / ".hidden").write_bytes(b"")
    (run.pinned / "folder").mkdir()
    (run.pinned / "gone.wav").symlink_to("nowhere.wav")
    assert clips.probabilities(classifier) == clips.probabilities(classifier) == {}
    assert [warning.message.split()[3] for warning in clips.told()] == ["a.wav", "gone.wav"]
    assert clips.told() == []
    write(run.pinned / "a.wav")
    heard = clips.probabilities(classifier)
    assert sum(heard["a.wav"].values()) == pytest.approx(1, abs=1e-4)
    monkeypatch.setattr(pinned, "LONGEST_SECONDS", 1.0)
    write(run.pinned / "long.wav", 1.5)
    assert list(clips.probabilities(classifier)) == ["a.wav"]
    assert "long.wav is longer" in clips.told()[0].message
    (run.pinned / "a.wav").unlink()
    assert clips.probabilities(classifier) == {}
