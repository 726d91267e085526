"""Figures of merit of several labels a clip: average precision of each class, and F1 at its threshold. No torch.

What nobody knows of a clip counts for nothing. The mean average precision (mAP) is over the classes of which there are clips that have
the label and clips that have it not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from labcore.evaluation.bootstrap import FEWEST_RECORDINGS, Interval, intervals
from labcore.evaluation.metrics import Circumstances
from labcore.events import EvaluatedLabels
from labcore.task.ranking import Ranking, mean


def score_labels(
    probabilities: np.ndarray,
    targets: np.ndarray,
    labels: Sequence[str],
    limits: np.ndarray,
    about: Circumstances,
    thresholds: str = "",
) -> EvaluatedLabels:
    """The figures of predictions for clips.

    Args:
        probabilities: (clips, classes).
        targets: (clips, classes) of 1 and 0, and -1 where nobody knows.
        limits: (classes,) the thresholds, or (clips, classes).
        thresholds: a sentence on them.
        about: with the recordings of the clips there are intervals too, where these are not few.
    """
    ranking = Ranking(np.nan_to_num(probabilities), targets)
    precisions = ranking.average_precisions()
    recordings = about.recordings
    spread = _intervals(ranking, precisions, recordings)
    overall, spreads = spread[-1], spread[:-1]
    hits, taken, there = counts(probabilities, targets, limits)
    f1 = _f1(hits, taken, there)
    per_class = {
        label: {
            "average_precision": _finite(precisions[number]),
            "average_precision_low": _end(spreads[number], 0),
            "average_precision_high": _end(spreads[number], 1),
            "threshold": float(np.median(limits, axis=0)[number] if limits.ndim > 1 else limits[number]),
            "precision": float(hits[number] / taken[number]) if taken[number] else 0.0,
            "recall": float(hits[number] / there[number]) if there[number] else 0.0,
            "f1": float(f1[number]),
            "clips": int(there[number]),
            "others": int((targets[:, number] == 0).sum()),
        }
        for number, label in enumerate(labels)
    }
    return EvaluatedLabels(
        mean_ap=mean(precisions),
        mean_ap_low=_end(overall, 0),
        mean_ap_high=_end(overall, 1),
        macro_f1=mean(f1[there > 0]) or 0.0,
        micro_f1=float(_f1(hits.sum(), taken.sum(), there.sum())),
        per_class=per_class,
        thresholds=thresholds,
        clips=len(targets),
        recordings=None if recordings is None else len(set(recordings.tolist())),
        **about.noted,
    )


def label_rows(result: EvaluatedLabels) -> list[tuple[str, dict[str, Any]]]:
    """A label with its figures each, the lowest average precision first; those that cannot be ranked last."""
    return sorted(
        result.per_class.items(), key=lambda row: (row[1]["average_precision"] is None, row[1]["average_precision"])
    )


def counts(
    probabilities: np.ndarray, targets: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each class, how many clips have it and reach its threshold, reach it at all, and have it: (classes,) each.

    Args:
        limits: (classes,) the thresholds, or (clips, classes).
    """
    taken = (probabilities >= limits) & (targets >= 0)
    there = targets == 1
    return (taken & there).sum(0), taken.sum(0), there.sum(0)


def _intervals(ranking: Ranking, precisions: np.ndarray, recordings: np.ndarray | None) -> list[Interval | None]:
    """The interval of each class, and of the mean; of few recordings it says nothing, and there is none."""
    classes = len(precisions)
    if recordings is None or len(set(recordings.tolist())) < FEWEST_RECORDINGS:
        return [None] * (classes + 1)
    ranked = np.isfinite(precisions)

    def figures_of(weights: np.ndarray) -> np.ndarray:
        values = ranking.average_precisions(weights)
        there = ranked[:, None] & np.isfinite(values)
        means = np.full((1, weights.shape[1]), np.nan)
        np.divide(np.where(there, values, 0).sum(0), there.sum(0), out=means[0], where=there.any(0))
        return np.concatenate([values, means])

    found = intervals(recordings, figures_of, classes)
    return [each if keep else None for each, keep in zip(found, [*ranked, True], strict=True)]


def _f1(hits: np.ndarray, taken: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.where(taken + there > 0, 2 * hits / np.maximum(taken + there, 1), 0.0)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _end(interval: Interval | None, place: int) -> float | None:
    return None if interval is None else interval[place]
