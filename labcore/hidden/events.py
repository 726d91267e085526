"""What a test with hidden classes tells of each class, and the means over them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Literal

from labcore.events import Event


class ClassProgress(Event):
    """The run without a class has an epoch behind it."""

    type: Literal["class_progress"] = "class_progress"
    label: str
    run_id: str
    epoch: int
    epochs: int


class ClassHidden(Event):
    """How well the clips of a hidden class are told from those of the others, all of the test fold.

    Attributes:
        auroc: the probability that a clip of the hidden class is more unknown than one of the others; ``low`` and ``high`` its 95 %
            interval by recording, None where the class has one recording only.
        known, unknown: so many clips of the other classes, and of the hidden one, which are of ``recordings`` recordings.
        refused_known, refused_unknown: so many of them are refused where the wanted share of the known ones may be.
        predicted_as: class → so many of the hidden class's clips that are not refused and predicted as it.
    """

    type: Literal["class_hidden"] = "class_hidden"
    label: str
    run_id: str
    auroc: float
    low: float | None
    high: float | None
    known: int
    unknown: int
    recordings: int
    refused_known: int
    refused_unknown: int
    predicted_as: dict[str, int]

    @property
    def noticed(self) -> float:
        """The share of the hidden class's clips that is refused."""
        return self.refused_unknown / max(1, self.unknown)


def mean_auroc(results: Iterable[ClassHidden]) -> float | None:
    """The mean over the hidden classes; None without any."""
    return _mean(each.auroc for each in results)


def mean_noticed(results: Iterable[ClassHidden]) -> float | None:
    """The mean share of clips of a hidden class that is refused; None without any."""
    return _mean(each.noticed for each in results)


def _mean(figures: Iterable[float]) -> float | None:
    there = list(figures)
    return statistics.fmean(there) if there else None
