"""How good a trained classifier is on clips of a data set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labcore.classifier import Classifier
from labcore.datasets.store import ClipStore
from labcore.errors import DatasetError
from labcore.events import Evaluated
from labcore.training.bank import wave_bank
from labcore.training.held_out import HeldOut
from labcore.training.metrics import score


def evaluate(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    fold: str,
    batch_size: int = 64,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluated:
    """Judge a classifier on some clips of a store.

    Args:
        store: at the classifier's sample rate.
        rows: (clips,) which clips.
        fold: what they are, for the record.
        progress: called with windows done and windows in all.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
    """
    found = store.table["label"].to_numpy()[rows]
    unknown = sorted(set(found) - set(classifier.labels))
    if unknown:
        known = ", ".join(classifier.labels)
        raise DatasetError(f"the classifier does not know {', '.join(unknown)}", f"It knows {known}")
    if len(rows) == 0:
        raise DatasetError(f"fold {fold} has no clips to judge")
    held_out = HeldOut(classifier, wave_bank(store, classifier.device), rows, batch_size)
    targets = np.array([classifier.labels.index(label) for label in found])
    return score(held_out.probabilities(progress=progress), targets, classifier.labels, fold)
