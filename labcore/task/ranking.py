"""Average precision of many classes at once, of clips that may count several times. No torch.

The same figure as scikit-learn's ``average_precision_score``, clips of equal probability taken together.
"""

from __future__ import annotations

import numpy as np


class Ranking:
    """Clips ranked by the probability of each class; ready for average precisions of clips that are drawn again and again.

    Args:
        probabilities: (clips, classes), finite.
        targets: (clips, classes) of 1 and 0, and -1 where nobody knows, which leaves the clip out of that class.
    """

    def __init__(self, probabilities: np.ndarray, targets: np.ndarray) -> None:
        known = targets >= 0
        shares = np.where(known, probabilities, -np.inf)
        self.order = np.argsort(-shares, axis=0, kind="stable")
        ranked = np.take_along_axis(shares, self.order, 0)
        self.known = np.take_along_axis(known, self.order, 0)
        self.present = np.take_along_axis(targets == 1, self.order, 0)
        places = np.arange(len(ranked))[:, None]
        last = np.ones_like(self.known)
        last[:-1] = ranked[1:] < ranked[:-1]
        # the place at which a run of equal probabilities ends
        self.ends = np.minimum.accumulate(np.where(last, places, len(ranked))[::-1], axis=0)[::-1]

    def average_precisions(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(classes,) nan for a class that no clip has, or every clip.

        Args:
            weights: (clips,) how often each clip counts; once where it is not given.
        """
        times = np.ones(self.order.shape) if weights is None else weights.astype(np.float64)[self.order]
        counted = np.where(self.known, times, 0.0)
        hits = np.where(self.present, counted, 0.0)
        found, taken = np.cumsum(hits, 0), np.cumsum(counted, 0)
        at_ends = np.take_along_axis(found / np.maximum(taken, 1), self.ends, 0)
        present, every = found[-1], taken[-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            values: np.ndarray = (hits * at_ends).sum(0) / present
        values[(present == 0) | (present == every)] = np.nan
        return values


def mean_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> float | None:
    """The mean over the classes that can be ranked; None where none can. As for :class:`Ranking`."""
    if not len(targets):
        return None
    return mean(Ranking(probabilities, targets).average_precisions())


def mean(values: np.ndarray) -> float | None:
    """The mean without what is nan; None where all is."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None
