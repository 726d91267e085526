"""Figures of small runs as they were recorded: the seed, the order of the draws, and each setting's part in them stay what they were."""

import json
import shutil

import pytest

from labcore.events import Epoch
from labcore.runs import Run
from labcore.training import pipeline
from labcore.training.loop import train
from labcore.workspace import append_line

EVERYTHING = {
    "augment.time_scale": 0.2,
    "augment.speed": 0.2,
    "augment.pitch_semitones": 3.0,
    "augment.equaliser_db": 9.0,
    "augment.gain_db": 6.0,
    "augment.reverb": 0.5,
    "augment.noise": 0.5,
    "augment.mixup": 0.7,
    "augment.time_mask": 0.2,
    "augment.freq_mask": 0.2,
    "augment.masks": 2,
}
CROPPED = {"audio.clip_seconds": 0.2, "augment.mixup": 0.0}
TURNS = [{"model.dropout": 0.5, "epoch": 2}, {"augment.noise": 0.6, "optim.lr_factor": 0.5, "epoch": 3}]
RECORDED = {
    "as usual": [(1.2553, 1.0975, 0.3333), (1.0571, 1.0897, 0.3333), (1.0246, 1.0785, 0.3333)],
    "everything": [(1.2002, 1.0993, 0.3333), (1.019, 1.0946, 0.3333), (1.0814, 1.0915, 0.3333)],
    "cropped, with validation": [(1.2039, 1.0935, 0.5), (1.1831, 1.0793, 0.5), (0.9325, 1.0725, 0.5)],
    "uneven, sampled": [(1.15, 1.0969, 0.3333), (0.9663, 1.0829, 0.4444), (0.9202, 1.0837, 0.2222)],
    "uneven, weighted": [(1.0561, 1.1008, 0.1111), (1.1387, 1.088, 0.2222), (0.9467, 1.0863, 0.2222)],
    "turned": [(1.2553, 1.0975, 0.3333), (1.0756, 1.0902, 0.3333), (1.1894, 1.0872, 0.3333)],
}
"""Of each epoch: loss in training, loss in validation, accuracy in validation; the same on kernels for other processors."""


@pytest.mark.parametrize(
    ("name", "changes", "turns"),
    [
        ("as usual", {}, []),
        ("everything", EVERYTHING, []),
        ("cropped, with validation", CROPPED | {"data.validation_share": 0.3}, []),
        ("uneven, sampled", {"data.balance": "sampling"}, []),
        ("uneven, weighted", {"data.balance": "weighting"}, []),
        ("turned", {}, TURNS),
    ],
)
def test_a_run_reaches_the_figures_that_were_recorded(name, changes, turns, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "shift_share", lambda seconds, f_max: 1.0)  # as they were recorded
    config = tiny.config.replace({"optim.epochs": 3, "optim.lr": 0.01} | changes)
    if name.startswith("uneven"):
        shutil.copytree(tiny.path, tmp_path / "clips")
        for file in (tmp_path / "clips").rglob("clicks-*-[123].wav"):
            file.unlink()
        config = config.replace({"data.dataset": str(tmp_path / "clips")})
    run = Run.create(tiny.workspace, config)
    for turn in turns:
        append_line(run.path / "overrides.jsonl", json.dumps(turn))
    epochs = [event for event in train(config, run, tiny.workspace) if isinstance(event, Epoch)]
    figures = [(event.train_loss, event.val_loss, event.val_accuracy) for event in epochs]
    assert figures == [pytest.approx(epoch, abs=2e-3) for epoch in RECORDED[name]]
