"""The baseline: nearest centroid. A clip gets the class whose mean training clip points most nearly the same way.

Nothing of it is chosen on the held-out clips: features are standardised by the training clips, and the similarity is the cosine.
"""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-6
"""What is as good as no spread, or no length."""


def nearest_centroid(train: np.ndarray, labels: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """The label of each clip.

    Args:
        train: (training clips, width) features, finite.
        labels: (training clips,) their labels.
        clips: (clips, width) features of those to be labelled.

    Returns:
        (clips,) labels.
    """
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > SMALLEST, spread, 1.0)
    names = np.unique(labels)
    standardised = (train - mean) / spread
    centroids = _unit(np.stack([standardised[labels == name].mean(0) for name in names]))
    return names[(_unit((clips - mean) / spread) @ centroids.T).argmax(1)]


def _unit(rows: np.ndarray) -> np.ndarray:
    """(rows, width), each of length one."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), SMALLEST)
