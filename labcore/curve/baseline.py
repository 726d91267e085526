"""The baseline: nearest centroid. A clip gets the class whose mean training clip points most nearly the same way.

Nothing of it is chosen on the held-out clips: features are standardised by the training clips, and the similarity is the cosine.
"""

from __future__ import annotations

import numpy as np

from labcore.evaluation.centroids import SMALLEST, centroids


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
    names, directions = centroids((train - mean) / spread, labels)
    return names[((clips - mean) / spread @ directions.T).argmax(1)]
