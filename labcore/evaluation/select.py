"""Which clips a classifier is evaluated on, and their classes as its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from labcore.config import DataConfig
from labcore.datasets.folds import folds_of
from labcore.datasets.learnt import shares_recordings
from labcore.datasets.several import labels_by_clip, several_in
from labcore.datasets.splits import of_classes, split_for
from labcore.datasets.table import Split, fold_order
from labcore.errors import DatasetError
from labcore.task.kind import SINGLE, Task
from labcore.texts import counted, shown

ALL = "all"
"""Stands for the clips of every fold."""


@dataclass(frozen=True)
class Selection:
    """Clips to evaluate on.

    Attributes:
        rows: (clips,) their numbers in the table, ascending.
        fold: which they are of, or :data:`ALL`.
        label: the class that they are of; None for all classes.
        leaks: they, or clips of their recordings, were trained on.
        trained_on: so many of them were trained on, or used to choose.
        held_out: the fold that was held out from training; "" where the classifier was trained on another data set.
        validation: they were set aside from training for validation.
    """

    rows: np.ndarray
    fold: str
    label: str | None = None
    leaks: bool = False
    trained_on: int = 0
    held_out: str = ""
    validation: bool = False

    @property
    def sentence(self) -> str:
        of_class = f" of {self.label}" if self.label is not None else ""
        if self.validation:
            return f"{counted(len(self.rows), 'clip')}{of_class}, set aside from training for validation."
        held_out = ", held out from training" if self.held_out else ""
        known = f"; the classifier was trained on {self.trained_on:,} of them" if self.trained_on else held_out
        where = f" of fold {self.fold}" if self.fold != ALL else ""
        return f"{counted(len(self.rows), 'clip')}{of_class}{where}{known}."


def select_clips(
    table: pd.DataFrame,
    own: DataConfig | None,
    *,
    fold: str | None = None,
    label: str | None = None,
    trained_on: bool = False,
    validation: bool = False,
    learnt: np.ndarray | None = None,
    all_known: bool = False,
) -> Selection:
    """Choose the clips to evaluate a classifier on.

    Args:
        table: a data set's clips.
        own: how the classifier parted them, and which classes it left out; None where it was trained on another data set.
        fold: which fold, or :data:`ALL`; where it is not given, what was held out from training, all clips of another data set.
        label: clips of this class only.
        trained_on: clips that it was trained on are welcome too.
        validation: those that were set aside from training for validation, of whatever fold.
        learnt: (clips,) which clips of the table it learnt from whatever their data set was called then, see
            :class:`labcore.datasets.learnt.Learnt`; None where nobody looked. Of a network that was trained on a sample they alone tell
            which clips that were; where none of them is found, all that the sample was drawn from count.
        all_known: nothing that it learnt from is missing, so that they alone tell of any network: clips that came later are new to it.

    Raises:
        DatasetError: it was trained on some of them and this is not wanted, no such fold, or there are no such clips.
    """
    if validation:
        return _for_validation(table, own, label)
    parts = _parts(table, own, fold) if own is not None else None
    fold = fold if fold is not None else parts.fold if parts is not None else ALL
    of_clip = folds_of(table, own.split if own is not None else "official")
    if fold != ALL and fold not in set(of_clip):
        raise DatasetError(f"there is no fold {fold}", f"There are: {', '.join(fold_order(set(of_clip)))}")
    rows = (
        parts.held_out
        if parts is not None and fold == parts.fold
        else np.flatnonzero((of_clip == fold) | (fold == ALL))
    )
    rows = rows[table["label"].to_numpy()[rows] != ""]  # without those that are left out
    if own is not None:
        rows = rows[~_of(table, rows, own.exclude_classes)]
    if label is not None:
        rows = rows[_of(table, rows, [label])]
    if not len(rows):
        of_class = f" of {label}" if label is not None else ""
        where = "the data set" if fold == ALL else f"fold {fold}"
        excluded = own.exclude_classes if own is not None else ()
        without = f" that the run did not exclude ({', '.join(map(shown, excluded))})" if excluded else ""
        raise DatasetError(f"{where} has no clips{of_class}{without}", "Choose another class or fold")
    learnt = np.zeros(len(table), dtype=bool) if learnt is None else learnt.copy()
    of_sample = own is not None and (own.train_clips, own.train_recordings) != (None, None)
    if parts is not None and not ((of_sample or all_known) and learnt.any()):
        learnt[np.concatenate([parts.train, parts.validation])] = True
    known = int(learnt[rows].sum())
    if known and not trained_on:
        fold_to_use = f"the test fold {parts.fold}" if parts is not None else "other clips"
        raise DatasetError(
            f"the classifier was trained on clips of {'these' if fold == ALL else f'fold {fold}'}",
            f"Use {fold_to_use}: accuracy on training clips says little",
        )
    leaks = shares_recordings(table, rows, learnt)
    return Selection(rows, fold, label, leaks, known, parts.fold if parts is not None else "")


def _of(table: pd.DataFrame, rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Which of some clips are of some classes: (clips,) bool."""
    return of_classes(table["label"].to_numpy(dtype=object)[rows], names, several=several_in(table))


def _for_validation(table: pd.DataFrame, own: DataConfig | None, label: str | None) -> Selection:
    """The clips that a classifier set aside from training; see :func:`select_clips`."""
    parts = split_for(table, own) if own is not None else None
    rows = np.asarray(parts.validation if parts is not None else [], dtype=np.int64)
    if label is not None:
        rows = rows[_of(table, rows, [label])]
    if parts is None or not len(rows):
        raise DatasetError("no clips were set aside for validation", "Train with a validation share")
    return Selection(rows, ALL, label, held_out=parts.fold, validation=True)


def _parts(table: pd.DataFrame, own: DataConfig, fold: str | None) -> Split | None:
    """How the classifier parted the clips; None where a fold was named and they can no longer be parted so."""
    try:
        return split_for(table, own)
    except DatasetError:
        if fold is None:
            raise
        return None


def targets_of(task: Task, labels: list[str], table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """What is known of clips, as :meth:`labcore.task.kind.Task.targets` has it: class numbers (clips,), or (clips, classes), int64.

    Args:
        task: of the classifier.
        labels: those that the classifier knows.
        table, rows: the clips to evaluate.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know, or of several labels where it gives one.
    """
    cells = table["label"].to_numpy(dtype=object)[rows]
    found = list(chain(*labels_by_clip(table, cells)))
    if task.name == SINGLE and several_in(table):
        raise DatasetError(
            "clips of the data set have several labels, and the classifier gives one",
            "Write a list of the clips with one label: `labcore datasets table NAME --labels single --output clips.csv`",
        )
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise DatasetError(f"the classifier does not know {', '.join(unknown)}", f"It knows {', '.join(labels)}")
    if not len(cells):
        raise DatasetError("there are no clips to evaluate", "Choose another class or fold")
    return task.targets(cells.tolist(), labels)
