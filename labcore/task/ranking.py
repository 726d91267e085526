"""Average precision of many classes at once, of clips that may count several times. No torch.

The same figure as scikit-learn's ``average_precision_score``, clips of equal probability taken together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class _Stretches(NamedTuple):
    """The clips of a class, ranked and cut where the average precision is read: behind each that has it, and those as probable.

    Attributes:
        ranked: (known clips,) by falling probability.
        stops: (stretches,) where each ends in them.
        holders: (clips that have it,) by falling probability.
        of_stops: (stretches,) where in these each ends.
    """

    ranked: np.ndarray
    stops: np.ndarray
    holders: np.ndarray
    of_stops: np.ndarray


def _stretches(probabilities: np.ndarray, targets: np.ndarray) -> _Stretches:
    """Of one class: (clips,) each."""
    ranked = np.flatnonzero(targets >= 0)
    ranked = ranked[np.argsort(-probabilities[ranked], kind="stable")]
    shares, present = probabilities[ranked], targets[ranked] == 1
    behind = 1 + np.flatnonzero(np.append(shares[1:] < shares[:-1], True)[: len(shares)])  # those of equal probability
    stop_of = behind[np.searchsorted(behind, np.flatnonzero(present), side="right")]
    stops, holders = np.unique(stop_of, return_counts=True)
    return _Stretches(ranked, stops, ranked[present], np.cumsum(holders))


class Ranking:
    """Clips ranked by the probability of each class; ready for average precisions of clips that are drawn again and again.

    Args:
        probabilities: (clips, classes), finite.
        targets: (clips, classes) of 1 and 0, and -1 where nobody knows, which leaves the clip out of that class.
    """

    def __init__(self, probabilities: np.ndarray, targets: np.ndarray) -> None:
        self._clips = len(targets)
        classes = [_stretches(probabilities[:, number], targets[:, number]) for number in range(targets.shape[1])]
        self._sizes = np.array([len(each.stops) + 1 for each in classes], dtype=np.intp)
        self._ranked, self._starts = self._laid_out([(each.ranked, each.stops) for each in classes])
        self._holders, self._of_holders = self._laid_out([(each.holders, each.of_stops) for each in classes])

    def _laid_out(self, classes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """Clips of all classes one after the other, each class with one more behind that never counts; and where stretches begin."""
        begin = np.cumsum([0, *(len(clips) + 1 for clips, _ in classes)])
        nothing = np.zeros(0, dtype=np.intp)
        flat = np.concatenate([nothing, *(np.append(clips, self._clips) for clips, _ in classes)])
        starts = [first + np.append(0, stops) for first, (_, stops) in zip(begin, classes, strict=False)]
        return flat, np.concatenate([nothing, *starts])

    def average_precisions(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(classes,) nan for a class that no clip has, or every clip; of several draws (classes, draws).

        Args:
            weights: (clips, draws) how often each clip counts, a whole number; once where it is not given.
        """
        if weights is None:
            return self.average_precisions(np.ones((self._clips, 1)))[:, 0]
        if not len(self._sizes):
            return np.zeros((0, weights.shape[1]))
        times = np.concatenate([weights, np.zeros((1, weights.shape[1]))])
        counted = np.add.reduceat(times.take(self._ranked, axis=0), self._starts)
        hits = np.add.reduceat(times.take(self._holders, axis=0), self._of_holders)
        last = np.cumsum(self._sizes) - 1
        found, taken = self._so_far(hits), self._so_far(counted)
        present, every = found[last], taken[last]
        gained = np.add.reduceat(hits * found / np.maximum(taken, 1), last - self._sizes + 1)
        values = np.full(present.shape, np.nan)
        np.divide(gained, present, out=values, where=(present > 0) & (present < every))
        return values

    def _so_far(self, stretches: np.ndarray) -> np.ndarray:
        """The sums of stretches up to each, within its class."""
        sums = np.cumsum(stretches, axis=0)
        before = np.concatenate([np.zeros_like(sums[:1]), sums[np.cumsum(self._sizes)[:-1] - 1]])
        return sums - np.repeat(before, self._sizes, axis=0)


def auroc(positive: np.ndarray, probabilities: np.ndarray) -> float | None:
    """The area under the ROC curve: how often a clip of the class is more probable than another one, the same counting half.

    By the sum of ranks. Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology, 1982.

    Args:
        positive: (clips,) bool, those of the class.
        probabilities: (clips,) finite.

    Returns:
        None without clips of the class, or without others.
    """
    hits = int(positive.sum())
    others = len(positive) - hits
    if not hits or not others:
        return None
    _, at, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    placed = (np.cumsum(counts) - (counts - 1) / 2)[at]  # from 1 on, the mean of those that are equal
    return float((placed[positive].sum() - hits * (hits + 1) / 2) / (hits * others))


def mean_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> float | None:
    """The mean over the classes that can be ranked; None where none can. As for :class:`Ranking`."""
    if not len(targets):
        return None
    return mean(Ranking(probabilities, targets).average_precisions())


def mean(values: np.ndarray) -> float | None:
    """The mean without what is nan; None where all is."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None
