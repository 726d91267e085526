"""Figures of merit, with what one needs to judge them."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from labcore.events import Evaluated
from labcore.intervals import wilson_interval


def score(
    probabilities: np.ndarray,
    targets: np.ndarray,
    labels: list[str],
    fold: str,
    leaks: bool = False,
    adjusted: int = 0,
) -> Evaluated:
    """Accuracy with its interval, macro F1, a row a class, and the confusion matrix.

    Args:
        probabilities: (clips, classes).
        targets: (clips,) the true classes as numbers.
        labels: the class names in the order of the columns.
        fold, leaks, adjusted: what the clips were, whether clips of their recordings were trained on, and how often settings were
            changed with them in view, for the record.

    Returns:
        An :class:`~labcore.events.Evaluated`. Macro F1 is the mean over the classes that occur among the targets; the confusion
        is ``{true label: {predicted label: clips}}`` without the empty cells.
    """
    predicted = probabilities.argmax(1)
    hits = int((predicted == targets).sum())
    low, high = wilson_interval(hits, len(targets))
    numbers = np.arange(len(labels))
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, predicted, labels=numbers, zero_division=0
    )
    matrix = confusion_matrix(targets, predicted, labels=numbers)
    return Evaluated(
        accuracy=hits / max(1, len(targets)),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(f1[support > 0].mean()) if (support > 0).any() else 0.0,
        per_class={
            label: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "clips": int(support[i]),
            }
            for i, label in enumerate(labels)
        },
        confusion={
            label: {labels[j]: int(matrix[i, j]) for j in numbers if matrix[i, j]} for i, label in enumerate(labels)
        },
        clips=len(targets),
        fold=fold,
        leaks=leaks,
        adjusted=adjusted,
    )
