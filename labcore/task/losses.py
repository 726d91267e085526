"""The losses of predictions, as curves show them: in nats, the mean over clips. No torch.

A probability that is no number counts as the smallest one.
"""

from __future__ import annotations

import numpy as np

from labcore.datasets.cells import UNKNOWN

SMALLEST = 1e-7


def loss_of_one(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The negative log-likelihood of the true classes: (clips, classes) and class numbers (clips,)."""
    chosen = np.nan_to_num(probabilities[range(len(targets)), targets]).clip(SMALLEST, 1.0)
    return float(-np.log(chosen).mean())


def loss_of_several(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The binary cross-entropy, summed over the labels of a clip: (clips, classes) each, targets 1, 0, and -1 where nobody knows."""
    shares = np.nan_to_num(probabilities.astype(np.float64)).clip(SMALLEST, 1 - SMALLEST)
    each = -np.where(targets == 1, np.log(shares), np.log1p(-shares))
    return float(np.where(targets == UNKNOWN, 0.0, each).sum(1).mean())
