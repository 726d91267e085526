"""A learning curve at a glance: accuracy by recordings per class, beside the baselines, and what the last doubling brought."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from labcore.curve.events import CurvePoint, Scored
from labcore.curve.job import ALL, LearningCurve, parted
from labcore.evaluation.bootstrap import Interval, flipped, intervals
from labcore.evaluation.paired import LEVEL
from labcore.sheets import csv_of
from labcore.texts import counted, plus_minus

RECIPE = "recipe"
"""What the runs of the curve are called beside the baselines."""


@dataclass(frozen=True)
class Level:
    """The accuracy of a classifier at one size, the mean over the samples.

    Attributes:
        deviation: over the samples, n - 1; None with fewer than two.
        low, high: the 95 % interval, recordings of the test fold drawn anew; None where no draw changes it.
    """

    accuracy: float
    deviation: float | None
    low: float | None
    high: float | None
    macro_f1: float


@dataclass(frozen=True)
class Size:
    """One size of a learning curve, over the samples that are finished.

    Attributes:
        name: recordings per class as asked for, or "all".
        recordings, clips, epochs: training recordings per class, training clips and epochs of a run, on average.
        finished, samples: so many runs are finished, of so many.
        recipe: None as long as none is.
        baselines: name → its level.
        below: the baselines that are more accurate than the recipe → recipe less baseline with its 95 % interval.
    """

    name: str
    finished: int
    samples: int
    recordings: float = 0.0
    clips: float = 0.0
    epochs: float = 0.0
    recipe: Level | None = None
    baselines: dict[str, Level] = field(default_factory=dict)
    below: dict[str, tuple[float, Interval | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Gain:
    """What more recordings brought: from one size to a larger one, on the samples that have both.

    Attributes:
        points: the rise of the accuracy; ``low`` and ``high`` its 95 % interval, None where no draw changes it.
        doublings: how often the recordings doubled in between.
        left: what is missing to an accuracy of 1 at the larger size.
        p: how often chance would give as much, see :func:`labcore.evaluation.bootstrap.flipped`.
    """

    smaller: float
    larger: float
    points: float
    low: float | None
    high: float | None
    doublings: float
    left: float
    p: float = 1.0

    @property
    def per_doubling(self) -> float:
        return self.points / self.doublings

    @property
    def sentence(self) -> str:
        """What it says of more recordings, in full sentences."""
        moved = "rose" if self.points > 0 else "fell" if self.points < 0 else "stayed the same"
        by = f" by {100 * abs(self.points):.1f} points" if self.points else ""
        told = f"From {self.smaller:.3g} to {self.larger:.3g} recordings per class the accuracy {moved}{by}"
        if self.low is None or self.high is None:
            return f"{told}. The test fold is too small for an interval, so this does not tell whether more recordings help."
        told += f" (95 % interval {100 * self.low:+.1f} to {100 * self.high:+.1f})"
        if self.high <= 0:
            return f"{told}. More recordings of this kind did not help."
        if self.low <= 0 or self.p >= LEVEL:
            return f"{told}, so the test fold is too small to tell whether more recordings help."
        brought = min(self.per_doubling, self.left)
        return (
            f"{told}. More recordings are likely to help: if the curve goes on like this, twice as many bring about "
            f"{100 * brought:.1f} points. Curves flatten, so expect this or less; {100 * self.left:.1f} points are left to 100 %."
        )


@dataclass(frozen=True)
class CurveSummary:
    """A learning curve at a glance. ``gain`` is None with fewer than two sizes."""

    id: str
    state: str
    dataset: str
    fold: str
    samples: int
    embeddings: str
    test_clips: int
    test_recordings: int
    sizes: list[Size]
    gain: Gain | None
    error: str = ""

    @property
    def sentence(self) -> str:
        if self.gain is None:
            return "Two sizes have to be finished to tell what more recordings bring."
        return self.gain.sentence

    @property
    def warnings(self) -> list[str]:
        """A sentence for each size at which the recipe is less accurate than a baseline."""
        return [
            f"With {recordings_text(size.name)} per class the recipe is below the baseline on {baseline_text(name)}: "
            f"{100 * points:+.1f} points{interval_text(interval)}."
            for size in self.sizes
            for name, (points, interval) in size.below.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        gain = None if self.gain is None else asdict(self.gain) | {"per_doubling": self.gain.per_doubling}
        return asdict(self) | {"gain": gain, "sentence": self.sentence, "warnings": self.warnings}


def recordings_text(size: str) -> str:
    return "all recordings" if size == ALL else counted(int(size), "recording")


def baseline_text(name: str) -> str:
    """What the features of a baseline are called."""
    from labcore import builtin
    from labcore.curve.events import MEL

    if name == MEL:
        return "mel statistics"
    return "embeddings of the built-in network" if name == builtin.NAME else f"embeddings of run {name}"


def level_text(level: Level | None) -> str | None:
    """``81.2 ± 3.1 %``: the mean over the samples and their standard deviation."""
    return None if level is None else plus_minus(level.accuracy, level.deviation)


def interval_text(interval: Interval | None) -> str:
    return "" if interval is None else f" (95 % interval {100 * interval[0]:+.1f} to {100 * interval[1]:+.1f})"


def summarise(curve: LearningCurve) -> CurveSummary:
    """Take the figures of a curve together.

    Raises:
        RunError: it cannot be read.
    """
    plan, points, status = curve.plan, curve.points, curve.status()
    by_size = {
        size: {parted(name)[1]: point for name, point in points.items() if parted(name)[0] == size}
        for size in plan.sizes
    }
    groups = next((point.groups for point in points.values()), [])
    return CurveSummary(
        id=curve.id,
        state=status.state,
        dataset=curve.config.data.dataset,
        fold=curve.config.data.fold or "",
        samples=plan.samples,
        embeddings=plan.embeddings,
        test_clips=sum(groups),
        test_recordings=len(groups),
        sizes=[_size(name, plan.samples, list(points.values())) for name, points in by_size.items()],
        gain=_gain([points for points in by_size.values() if points]),
        error=status.error,
    )


def _size(name: str, samples: int, points: Sequence[CurvePoint]) -> Size:
    if not points:
        return Size(name, 0, samples)
    recipe = _level(points, [point.recipe for point in points])
    shared = [which for which in points[0].baselines if all(which in point.baselines for point in points)]
    baselines = {which: _level(points, [point.baselines[which] for point in points]) for which in shared}
    below = {}
    for which, level in baselines.items():
        if level.accuracy > recipe.accuracy:
            pairs = [(point, point.baselines[which], point.recipe) for point in points]
            below[which] = (recipe.accuracy - level.accuracy, _interval(pairs))
    return Size(
        name,
        len(points),
        samples,
        statistics.fmean(point.recordings for point in points),
        statistics.fmean(point.clips for point in points),
        statistics.fmean(point.epochs for point in points),
        recipe,
        baselines,
        below,
    )


def _level(points: Sequence[CurvePoint], figures: Sequence[Scored]) -> Level:
    accuracies = [each.accuracy for each in figures]
    low, high = _interval([(point, None, each) for point, each in zip(points, figures, strict=True)]) or (None, None)
    return Level(
        accuracy=statistics.fmean(accuracies),
        deviation=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        low=low,
        high=high,
        macro_f1=statistics.fmean(each.macro_f1 for each in figures),
    )


def _interval(pairs: Sequence[tuple[CurvePoint, Scored | None, Scored]]) -> Interval | None:
    """The 95 % interval of the mean accuracy over some points, or of its difference to another classifier's, by recording of the test fold.

    Args:
        pairs: of each point the one that is subtracted, or None, and the one that counts.
    """
    groups = np.array(pairs[0][0].groups)
    if any(point.groups != pairs[0][0].groups for point, _, _ in pairs):
        return None  # the clips of the test fold are not the same
    correct = _correct(pairs)
    (found,) = intervals(np.arange(len(groups)), lambda weights: (correct @ weights / (groups @ weights))[None])
    return found


def _correct(pairs: Sequence[tuple[CurvePoint, Scored | None, Scored]]) -> np.ndarray:
    """(recordings,) clips predicted right, or how many more, the mean over the points; as :func:`_interval` takes them."""
    told = [np.array(up.correct) - (0 if down is None else np.array(down.correct)) for _, down, up in pairs]
    return np.asarray(np.mean(told, 0))


def _gain(sizes: Sequence[dict[int, CurvePoint]]) -> Gain | None:
    """From the size nearest to half of the largest one to that."""
    if len(sizes) < 2:
        return None
    means = [statistics.fmean(point.recordings for point in points.values()) for points in sizes]
    near = min(range(len(sizes) - 1), key=lambda number: abs(math.log2(means[-1] / means[number]) - 1))
    samples = sorted(sizes[near].keys() & sizes[-1].keys())
    if not samples or means[-1] <= means[near]:
        return None
    before, after = ([points[sample] for sample in samples] for points in (sizes[near], sizes[-1]))
    pairs = [(large, small.recipe, large.recipe) for small, large in zip(before, after, strict=True)]
    accuracy = statistics.fmean(point.recipe.accuracy for point in after)
    same = all(small.groups == large.groups for small, large in zip(before, after, strict=True))
    low, high = (_interval(pairs) if same else None) or (None, None)
    return Gain(
        smaller=means[near],
        larger=means[-1],
        points=accuracy - statistics.fmean(point.recipe.accuracy for point in before),
        low=low,
        high=high,
        doublings=math.log2(means[-1] / means[near]),
        left=1 - accuracy,
        p=flipped(_correct(pairs)) if same else 1.0,
    )


def csv_table(summary: CurveSummary) -> str:
    """A row a size and classifier as a CSV table."""
    head = ["recordings_per_class", "classifier", "accuracy", "low", "high", "deviation", "macro_f1", "recordings", "training_clips",
            "epochs", "samples"]  # fmt: skip
    rows: list[list[object]] = []
    for size in summary.sizes:
        levels = {RECIPE: size.recipe, **size.baselines}
        for name, level in levels.items():
            if level is not None:
                figures = (level.accuracy, level.low, level.high, level.deviation, level.macro_f1, size.recordings)
                told = ["" if figure is None else f"{figure:.6g}" for figure in figures]
                rows.append([size.name, name, *told, round(size.clips), round(size.epochs), size.finished])
    return csv_of(head, rows)
