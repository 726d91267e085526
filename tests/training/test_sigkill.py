"""Killed with SIGKILL at any moment, a run goes on from its last epoch to the figures of one that was left alone, turns included."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest
import torch

from labcore.events import Evaluated, RunQueued
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.workspace import append_line

TURNS = (
    {"model.dropout": 0.5, "augment.time_mask": 0.3, "reason": "too good on the training clips"},
    {"augment.noise": 0, "optim.lr_factor": 0.5},
    {"augment.noise": 0.3, "augment.reverb": 0.2, "augment.time_scale": 0.4, "augment.speed": 0.1},
    {"optim.label_smoothing": 0.1, "augment.mixup": 0.5, "optim.lr_factor": 1.5},
    {"model.dropout": 0.1, "augment.reverb": 0, "augment.gain_db": 0},
)
COMMAND = [sys.executable, "-m", "labcore.jobs"]


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 50])
def test_a_run_killed_again_and_again_ends_as_one_left_alone(tiny, kills):
    config = tiny.config.replace({"optim.epochs": 20 * kills, "augment.noise": 0.5})
    alone, killed = (Run.create(tiny.workspace, config, queued=True) for _ in range(2))
    epochs = config.optim.epochs
    for run in (alone, killed):
        for number, turn in enumerate(TURNS, 1):
            append_line(run.path / "overrides.jsonl", json.dumps(turn | {"epoch": number * epochs // (len(TURNS) + 1)}))
    environment = os.environ | {"LABCORE_HOME": str(tiny.workspace.home)}
    subprocess.run([*COMMAND, str(alone.path)], env=environment, check=True)
    generator = random.Random(0)
    happened = 0
    while happened < kills and not killed.weights.exists():
        with subprocess.Popen([*COMMAND, str(killed.path)], env=environment) as worker:
            told = len(killed.epochs())
            while worker.poll() is None and len(killed.epochs()) == told:
                time.sleep(0.005)
            time.sleep(generator.uniform(0, 0.3))  # somewhere in a step, a checkpoint, a validation or an event
            if worker.poll() is None:
                worker.kill()
                happened += 1
        everything_can_be_read(killed)
        killed.append(RunQueued())
    assert happened == kills, "the run was over before it could be killed often enough"
    subprocess.run([*COMMAND, str(killed.path)], env=environment, check=True)
    ours, theirs = Classifier.load(killed.path).state_dict(), Classifier.load(alone.path).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for kind in ("accuracy", "per_class", "confusion"):
        assert getattr(killed.last_event(Evaluated), kind) == getattr(alone.last_event(Evaluated), kind)
    turned = [
        sorted((event.number, event.epoch) for event in run.events() if event.type == "settings_changed")
        for run in (killed, alone)
    ]
    assert turned[0] == turned[1]
    assert [number for number, _ in turned[0]] == list(range(len(TURNS)))
    figures = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "averaged")
    for a, b in zip(killed.epochs(), alone.epochs(), strict=True):
        assert [getattr(a, name) for name in figures] == [getattr(b, name) for name in figures]


def everything_can_be_read(run: Run) -> None:
    """After a kill: configuration, labels, checkpoint and all whole lines of events."""
    assert run.status().state == "interrupted", run.status().error
    assert run.config.optim.epochs
    assert run.load("labels") == ["clicks", "noise", "tone"]
    torch.load(run.checkpoint, weights_only=True)
    for line in (run.path / "events.jsonl").read_bytes().split(b"\n")[:-1]:
        json.loads(line)
