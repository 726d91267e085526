"""Centroids of classes: where the mean clip of each points, in standardised features. No torch."""

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
