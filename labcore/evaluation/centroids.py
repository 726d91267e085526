"""Centroids of classes: where the mean clip of each points, in standardised features. No torch.

The nearest one is a baseline, of which nothing is chosen on the held-out clips: features are standardised by the training clips, and the
similarity is the cosine.
"""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-6
"""What is as good as no spread, or no length."""


def centroids(standardised: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centroids of length one: their products with a clip are largest for the class whose centroid is nearest by the cosine.

    Args:
        standardised: (clips, width) features.
        labels: (clips,) their labels.

    Returns:
        The labels, ascending, and the centroids (labels, width).
    """
    names = np.unique(labels)
    means = np.stack([standardised[labels == name].mean(0) for name in names])
    return names, means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), SMALLEST)


def nearest_centroid(train: np.ndarray, labels: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """The label of each clip: the class whose mean training clip points most nearly the same way.

    Args:
        train: (training clips, width) features, finite.
        labels: (training clips,) their labels.
        clips: (clips, width) features of those to be labelled.

    Returns:
        (clips,) labels.
    """
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > SMALLEST, spread, 1.0)
    names, directions = centroids((train - mean) / spread, labels)
    return names[((clips - mean) / spread @ directions.T).argmax(1)]
