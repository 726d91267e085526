"""The final figures of predictions: those of one label a clip, or of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labcore.evaluation.label_metrics import score_labels
from labcore.evaluation.metrics import Circumstances, score
from labcore.events import Evaluated, EvaluatedLabels
from labcore.task.kind import Task
from labcore.task.several import SeveralLabels


def scored(
    task: Task, noted: np.ndarray, targets: np.ndarray, labels: Sequence[str], about: Circumstances
) -> Evaluated | EvaluatedLabels:
    """The figures.

    Args:
        noted: what :func:`labcore.evaluation.predictions.record` kept of each clip.
        targets: from :func:`labcore.evaluation.select.targets_of`.
    """
    if isinstance(task, SeveralLabels):
        thresholds = task.thresholds
        return score_labels(noted, targets, labels, thresholds.row(labels), about, thresholds.sentence)
    return score(noted, targets, list(labels), about)
