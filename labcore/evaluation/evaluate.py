"""How good a trained classifier is on clips of a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from labcore.datasets.store import ClipStore
from labcore.datasets.table import corrected_labels
from labcore.errors import LabError
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.intervals import distinct_clips
from labcore.evaluation.metrics import Circumstances
from labcore.evaluation.predictions import known_of, record
from labcore.evaluation.scoring import scored
from labcore.evaluation.select import targets_of
from labcore.events import Evaluated, EvaluatedLabels
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.jobs.following import OnProgress


def evaluate(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    fold: str,
    batch_size: int = 64,
    progress: OnProgress = lambda done, total: None,
    *,
    leaks: bool = False,
    trained_on: int = 0,
    split: str = "official",
    folder: str = "",
    file: Path | None = None,
    by_window: bool = False,
    warn: Callable[[LabError], None] = lambda trouble: None,
) -> Evaluated | EvaluatedLabels:
    """Evaluate a classifier on some clips of a store.

    Args:
        store: at the classifier's sample rate.
        rows: (clips,) which clips, from :func:`labcore.evaluation.select.select_clips`.
        fold, leaks, trained_on: what they are, for the record.
        progress: called with windows done and windows in all.
        split, folder: as for :func:`labcore.evaluation.predictions.known_of`.
        file: where to write the prediction for each clip; nowhere where it is not given.
        by_window: write a row a window.
        warn: told why the file could not be written. The figures are the same.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
    """
    targets = targets_of(classifier.task, classifier.labels, store.table, rows)
    held_out = EvalSet(classifier, waveform_cache(store, classifier.device), rows, batch_size)
    known = known_of(store.table, rows, folder, split)
    parts = held_out.parts(progress, by_window=by_window)
    predicted, trouble = record(file, known, classifier.labels, store.sample_rate, parts, classifier.task)
    if trouble is not None:
        warn(trouble)
    corrected = corrected_labels(store.table, rows)
    groups = store.table["group"].to_numpy(dtype=object)[rows]
    about = Circumstances(
        fold, leaks, corrected=corrected, trained_on=trained_on, distinct=distinct_of(store, rows), groups=groups
    )
    return scored(classifier.task, predicted, targets, classifier.labels, about)


def distinct_of(store: ClipStore, rows: np.ndarray) -> float | None:
    """How many clips of a store some are without the sound that several share; None where none do."""
    table = store.table.iloc[rows]
    starts = table["start_s"].to_numpy(dtype=np.float64)
    return distinct_clips(table["path"].tolist(), starts.tolist(), (starts + store.seconds[rows]).tolist())
