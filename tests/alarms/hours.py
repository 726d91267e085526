"""Recordings without targets as a test makes them up: predictions, and the job that heard them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labcore.alarms.background import line_of
from labcore.alarms.job import AlarmsPlan, AlarmTest, Listening
from labcore.runs import Run
from labcore.workspace import append_line

LABELS = ["cat", "dog", "owl"]


def prediction(*windows: tuple[str, float], hop_s: float = 1.0) -> dict[str, Any]:
    """Windows of twice the hop: (label, probability) each."""
    rows = [
        {"start_s": hop_s * number, "end_s": hop_s * (number + 2), "label": label, "probability": share}
        for number, (label, share) in enumerate(windows)
    ]
    return {"seconds": hop_s * (len(windows) + 1), "windows": rows}


def drawn(windows: int, seed: int = 0, labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """Random windows, of probabilities that often are equal."""
    random = np.random.default_rng(seed)
    return prediction(*zip(random.choice(labels, windows).tolist(), random.integers(1, 20, windows) / 20, strict=True))


def hour(*alarms: tuple[str, float], hours: float = 1.0) -> dict[str, Any]:
    """So many hours with these alarms, apart from each other, as a recorder's windows of 20 s would tell them."""
    silence = ("background", 0.9)
    windows = [each for alarm in alarms for each in (alarm, silence)]
    windows += [silence] * (round(360 * hours) - 1 - len(windows))
    return prediction(*windows, hop_s=10.0)


def heard_by(run: Run, predictions: Mapping[str, dict[str, Any]], **facts: Any) -> AlarmTest:
    """A finished job of a run that heard this: recording → prediction, or error."""
    job = AlarmTest.create(run.workspace, AlarmsPlan(run=run.id, sounds=("/background",)))
    told: dict[str, Any] = {
        "labels": LABELS, "clip_seconds": 20.0, "hop_seconds": 10.0, "temperature": 1.0, "refusal": 0.0, "weights": "",
    }  # fmt: skip
    with job.hold():
        job.append(job.started())
        job.append(Listening(recordings=len(predictions), **{**told, **facts}))
        for file, each in predictions.items():
            append_line(job.windows, line_of(file, each, LABELS))
        job.append(job.finished("finished"))
    return job
