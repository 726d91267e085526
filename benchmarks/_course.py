"""How runs went: accuracy and negative log-likelihood of the held-out clips over the epochs, and of the weights at the end.

The best epoch of a run is the highest of many noisy figures, so that it lies above the end even where nothing is wrong. What says
whether the end is worse is the difference at one share of the epochs, the same in all runs, with its standard error.
"""

from __future__ import annotations

import math
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np
from _common import session

from labcore.config import RunConfig
from labcore.events import Epoch, Evaluated, Event, each_of
from labcore.runs import Run
from labcore.task.kind import Watched
from labcore.training.checkpoint import take_up
from labcore.workspace import Workspace

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Course(NamedTuple):
    """Of one run. ``last`` are the figures of the last weights, without averaging."""

    epochs: list[Epoch]
    end: Evaluated
    last: Watched

    def at(self, share: float) -> Epoch:
        """The epoch at a share of the run."""
        return self.epochs[max(1, round(share * len(self.epochs))) - 1]


def course(config: RunConfig, run: Run, events: list[Event], home: Workspace) -> Course:
    """From the events of a finished run, and from its checkpoint.

    Args:
        config: what was asked for.
    """
    (end,) = each_of(events, Evaluated)
    checkpoint, _ = take_up(run)
    assert checkpoint is not None
    ready = session(config.replace({"runtime.compile": "off"}), home)
    ready.classifier.network.load_state_dict(checkpoint["network"])
    probabilities = ready.watched.probabilities(ready.precision.run)
    return Course(each_of(events, Epoch), end, ready.classifier.task.watched(probabilities, ready.watched_targets))


def table(courses: list[Course]) -> str:
    """A row a share of the epochs: means over the runs, and how much more right the end is, in points."""
    lines = [
        "| share of the epochs | accuracy | negative log-likelihood | end minus this, points |",
        "|---|---|---|---|",
    ]
    for share in SHARES:
        epochs = [course.at(share) for course in courses]
        gains = [100 * (course.end.accuracy - right(epoch)) for course, epoch in zip(courses, epochs, strict=True)]
        loss = mean(epoch.val_loss for epoch in epochs)
        lines.append(f"| {share:g} | {100 * mean(map(right, epochs)):.1f} | {loss:.3f} | {spread(gains)} |")
    last = [course.last for course in courses]
    gains = [100 * (course.end.accuracy - right(course.last)) for course in courses]
    loss = mean(watched.loss for watched in last)
    lines.append(f"| last weights, not averaged | {100 * mean(map(right, last)):.1f} | {loss:.3f} | {spread(gains)} |")
    highest = [max(map(right, course.epochs)) for course in courses]
    gains = [100 * (course.end.accuracy - value) for course, value in zip(courses, highest, strict=True)]
    lines.append(f"| best epoch of each run | {100 * mean(highest):.1f} | | {spread(gains)} |")
    return "\n".join(lines)


def right(figures: Epoch | Watched) -> float:
    """The accuracy, of clips with one label each."""
    share = figures.val_accuracy if isinstance(figures, Epoch) else figures.accuracy
    assert share is not None
    return share


def spread(values: list[float]) -> str:
    """The mean with its standard error over the runs."""
    error = f" ± {stdev(values) / math.sqrt(len(values)):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):+.1f}{error}"
