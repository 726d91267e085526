"""Which clips travel with the weights, for :mod:`labcore.inference.golden`."""

from __future__ import annotations

import numpy as np
import torch

from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import ResidentClips
from labcore.inference.windows import centred_start


def remember_golden(classifier: Classifier, waves: ResidentClips, rows: np.ndarray, targets: np.ndarray) -> None:
    """Let a classifier keep some held-out clips with the probabilities it gives them now, as many as its configuration says.

    They are of as many classes as there are clips, the first of each class, and the middle of a longer clip.

    Args:
        waves: the resident clips.
        rows, targets: (clips,) which of its clips are held out, and their classes.
    """
    window = classifier.config.clip_samples
    chosen = torch.from_numpy(rows[spread(targets, classifier.config.runtime.golden_clips)])
    starts = torch.tensor(
        [centred_start(length, window) for length in waves.lengths[chosen].tolist()], dtype=torch.int64
    )
    classifier.remember(waves.windows(chosen, starts, window).cpu().numpy())


def spread(targets: np.ndarray, count: int) -> np.ndarray:
    """Places of ``count`` clips, or all: the first of every class, then the second of every class, and so on. (clips,) → (count,)."""
    order = np.zeros(len(targets), dtype=np.int64)
    for target in np.unique(targets):
        of_class = np.flatnonzero(targets == target)
        order[of_class] = np.arange(len(of_class))
    return np.lexsort((np.arange(len(targets)), order))[:count]
