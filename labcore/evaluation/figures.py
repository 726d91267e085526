"""All figures of one run, one evaluation or the folds of a cross-validation, worked out from the prediction for each clip. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labcore.errors import RunError
from labcore.evaluation.bootstrap import FEWEST_RECORDINGS, Interval, intervals
from labcore.evaluation.calibration import Reliability, reliability
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.intervals import ByRecording, distinct_clips, effective_clips, wilson_interval
from labcore.evaluation.metrics import Circumstances, Confusion, score
from labcore.task.ranking import Ranking, auroc
from labcore.texts import percent


@dataclass(frozen=True)
class Figure:
    """A figure from 0 to 1 with its 95 % interval; the ends are None where there is none to be had."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, interval: Interval | None) -> Figure:
        return cls(value, *(interval or (None, None)))

    def __str__(self) -> str:
        """As ``76.0 % (71.2 to 81.2)``."""
        if self.low is None or self.high is None:
            return percent(self.value)
        return f"{percent(self.value)} ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class ClassFigures:
    """The figures of a class, each from 0 to 1.

    Attributes:
        clips, predicted: how many are of it, and how many were predicted as it.
        average_precision, auroc: of its probability, one class against the rest; None where all clips are of it, or none.
        recall_interval: 95 %, see :func:`recall_interval`.
    """

    label: str
    clips: int
    predicted: int
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    auroc: float | None
    recall_interval: tuple[float | None, float | None]

    @property
    def recall_spread(self) -> str:
        """That interval as ``0.34 to 0.93``, a dash where there is none."""
        low, high = self.recall_interval
        return "–" if low is None or high is None else f"{low:.2f} to {high:.2f}"


@dataclass(frozen=True)
class Figures:
    """What there is to know of predictions for clips.

    Attributes:
        clips, recordings: that the figures are of.
        unknown: further clips, of classes that the classifier does not know; they are left out.
        effective_clips: how many independent ones the interval of the accuracy goes by; None for all of them.
        accuracy: with its Wilson interval.
        balanced_accuracy: the mean recall of the classes that occur, see :func:`balanced_interval`.
        macro_f1: the mean of their F1. Its interval is by recording; of fewer than ``FEWEST_RECORDINGS`` there is none.
        average_precision, auroc: the mean over the classes that have one.
        per_class: in the order of the classifier's classes.
    """

    clips: int
    recordings: int
    effective_clips: float | None
    unknown: int
    accuracy: Figure
    balanced_accuracy: Figure
    macro_f1: Figure
    average_precision: float | None
    auroc: float | None
    per_class: list[ClassFigures]
    confusion: Confusion
    calibration: Reliability

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def figures_of_clips(predictions: ClipPredictions) -> Figures:
    """Work out all figures.

    Raises:
        RunError: not one clip is of a class that the classifier knows.
    """
    known = predictions.targets >= 0
    unknown = len(predictions) - int(known.sum())
    predictions = predictions.chosen(known)
    if not len(predictions):
        raise RunError("none of the clips is of a class that the classifier knows", "Evaluate it on other clips")
    labels, targets, groups = list(predictions.labels), predictions.targets, predictions.groups
    frame, shares = predictions.frame, predictions.probabilities
    predicted = shares.argmax(1)
    distinct = distinct_clips(*(frame[name].tolist() for name in ("clip", "start_s", "end_s")))
    counted = score(predicted, targets, labels, Circumstances(distinct=distinct, groups=groups))
    balanced, macro_f1 = intervals(groups, lambda weights: _means(targets, predicted, len(labels), weights))
    ranked = _ranked(targets, shares)
    per_class = [
        ClassFigures(
            label,
            int(row["clips"]),
            int((predicted == number).sum()),
            float(row["precision"]),
            float(row["recall"]),
            float(row["f1"]),
            *ranked[number],
            recall_interval((predicted == targets)[targets == number], groups[targets == number]),
        )
        for number, (label, row) in enumerate(counted.per_class.items())
    ]
    recall = float(np.mean([each.recall for each in per_class if each.clips]))
    return Figures(
        clips=len(predictions),
        recordings=len(set(groups)),
        effective_clips=counted.effective_clips,
        unknown=unknown,
        accuracy=Figure(counted.accuracy, counted.accuracy_low, counted.accuracy_high),
        balanced_accuracy=Figure.of(recall, balanced_interval(groups, targets, predicted, balanced)),
        macro_f1=Figure.of(counted.macro_f1, macro_f1 if len(set(groups)) >= FEWEST_RECORDINGS else None),
        average_precision=_mean([each.average_precision for each in per_class]),
        auroc=_mean([each.auroc for each in per_class]),
        per_class=per_class,
        confusion=counted.confusion,
        calibration=reliability(shares.max(1), predicted == targets, effective=counted.effective_clips),
    )


def recall_interval(right: np.ndarray, recordings: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """Wilson's 95 % interval of the recall of a class, by the effective number of its clips; where all of its recordings are alike, which
    tells nothing of how much they differ, each counts as one.

    Args:
        right, recordings: of the clips of the class (clips,): whether each was found, and what it is of.

    Returns:
        Lower and upper end; both None for one recording alone, which says nothing of others.
    """
    by_recording = ByRecording.of(right.tolist(), recordings.tolist())
    if by_recording.recordings < 2:
        return None, None
    hits, clips = int(right.sum()), len(right)
    at = np.unique(recordings, return_inverse=True)[1]
    alike = np.ptp(np.bincount(at, right) / np.bincount(at)) == 0
    effective = by_recording.recordings if alike else effective_clips(hits, clips, by_recording)
    return wilson_interval(hits, clips, effective)


def balanced_interval(
    groups: np.ndarray, targets: np.ndarray, predicted: np.ndarray, resampled: Interval | None
) -> Interval | None:
    """The 95 % interval of the mean recall of the classes that occur.

    No draw of recordings changes the recall of a class that is right in all of them, or in none: such a class adds Wilson's interval of its
    recall, with as many trials as it has recordings. The distances of the ends are added as squares. Source: Zou, Huang and Zhang, "A note
    on confidence interval estimation for a linear function of binomial proportions", Computational Statistics and Data Analysis, 2009.

    Args:
        groups: (clips,) the recording of each.
        targets, predicted: (clips,) the numbers of classes.
        resampled: the interval by drawing recordings anew; None where hardly a draw changes the figure.

    Returns:
        None for one recording alone, which says nothing of others.
    """
    recordings = np.unique(groups, return_inverse=True)[1]
    if not recordings.any():
        return None
    right, classes = (predicted == targets).astype(float), np.unique(targets)
    recalls = [right[targets == number].mean() for number in classes]
    value = float(np.mean(recalls))
    below, above = (value - resampled[0], resampled[1] - value) if resampled is not None else (0.0, 0.0)
    squares = [max(0.0, below) ** 2, max(0.0, above) ** 2]
    for number, recall in zip(classes, recalls, strict=True):
        at, hits = recordings[targets == number], right[targets == number]
        clips = np.bincount(at)
        shares = np.bincount(at, hits)[clips > 0] / clips[clips > 0]
        if np.ptp(shares) == 0:
            ends = wilson_interval(float(recall) * len(shares), len(shares))
            for side, end in enumerate(ends):
                squares[side] += ((end - recall) / len(classes)) ** 2
    low, high = value - squares[0] ** 0.5, value + squares[1] ** 0.5
    return max(0.0, float(low)), min(1.0, float(high))


def _means(targets: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """Mean recall and mean F1 of the classes that occur among clips that were drawn so often: (clips, draws) → (2, draws)."""
    right = predicted == targets
    hits = _per_class(targets[right], classes, weights[right])
    clips, taken = (_per_class(numbers, classes, weights) for numbers in (targets, predicted))
    sums = [(hits / np.maximum(clips, 1)).sum(0), (2 * hits / np.maximum(clips + taken, 1)).sum(0)]
    return np.stack(sums) / (clips > 0).sum(0)


def _per_class(numbers: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """(classes, draws) the clips of each class, of which (clips,) holds the numbers."""
    rounds = weights.shape[1]
    cells = numbers[:, None] * rounds + np.arange(rounds)
    return np.bincount(cells.ravel(), weights.ravel(), classes * rounds).reshape(classes, rounds)


def _ranked(targets: np.ndarray, probabilities: np.ndarray) -> list[tuple[float | None, float | None]]:
    """Average precision and the area under the ROC curve of each class; None without clips of it or of others."""
    present = targets[:, None] == np.arange(probabilities.shape[1])
    there = np.isfinite(probabilities).all(0)
    finite = np.where(there, probabilities, 0)
    precisions = Ranking(finite, present.astype(np.int8)).average_precisions()
    areas = [auroc(*each) for each in zip(present.T, finite.T, strict=True)]
    return [
        (float(precision), area) if known and area is not None else (None, None)
        for known, precision, area in zip(there, precisions, areas, strict=True)
    ]


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None
