"""Clips with several labels: how a clip table keeps them, which clips have them, and how they become one label a clip.

A data set for tagging gives a clip as many labels as there are sounds in it. Its table keeps all of them in one cell,
``Bark;Dog;Animal``, in the order of the data set; see :mod:`labcore.datasets.cells`. A training learns all of them, unless its setting
``data.labels`` says which one counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from labcore.datasets.cells import MARK as MARK
from labcore.datasets.cells import joined as joined
from labcore.datasets.cells import labels_of as labels_of
from labcore.datasets.cells import mark_between, rarest
from labcore.datasets.table import OWN_LABEL, SEVERAL, Dataset, Finding, some
from labcore.errors import DatasetError
from labcore.texts import counted

if TYPE_CHECKING:
    from labcore.datasets.assemble import DatasetDraft
    from labcore.datasets.by_time import Row

KIND = "several labels"
Choice = Literal["all", "first", "single"]


def told(
    rows: Iterable[tuple[str, str, str, str, float, float]], order: str, *, doubtful: bool = False
) -> list[Finding]:
    """What is told of a table whose clips may have several labels; nothing where each has one.

    Args:
        rows: path, label and so on of each clip.
        order: what comes first among the labels of a clip, in words.
        doubtful: these may be contradictions of one label.
    """
    rows = list(rows)
    cells = [row[1] for row in rows]
    files = tuple(row[0] for row in rows if MARK in row[1])
    if not files:
        return []
    labels = Counter(label for cell in cells for label in labels_of(cell))
    return [
        Finding(
            KIND,
            f"{len(files):,} of {counted(len(cells), 'clip')} have several labels, kept as {next(c for c in cells if MARK in c)!r}; "
            f"there are {counted(len(labels), 'label')}, most often {some([name for name, _ in labels.most_common(3)])}. {order}",
            files,
            CONTRADICTED + REMEDY if doubtful else REMEDY,
            level="warning" if doubtful else "note",
        )
    ]


FEWEST, LEAST_SHARE = 2, 0.05
"""Rows of one clip are its labels where so many clips have several, and so large a share; fewer are contradictions of one label."""
SURE_SHARE = 0.2
"""Where a smaller share has several by their rows alone, these may be contradictions all the same."""


def taken_apart(reading: DatasetDraft, marks: str, order: str) -> None:
    """Have the cells of a draft hold several labels where they are written so, and tell of it.

    Args:
        marks: what may separate labels; see :func:`labcore.datasets.cells.mark_between`.
        order: what comes first among the labels of a clip, in words.
    """
    if not reading.several_labels:
        mark = mark_between((row[1] for row in reading.rows), marks)
        if mark is not None:
            reading.several_labels = True
            parts = [(row, row[1].split(mark) if mark else [row[1]]) for row in reading.rows]
            reading.rows = [(row[0], joined(cells), *row[2:]) for row, cells in parts]
    doubtful = _join_rows(reading)
    if reading.several_labels:
        reading.findings += told(reading.rows, order, doubtful=doubtful)


def _join_rows(reading: DatasetDraft) -> bool:
    """Rows of one clip become one, with the labels of all. Returns whether they may be contradictions of one label."""
    clips: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in reading.rows:
        clips[row[0], row[2], row[4], None if isnan(row[5]) else row[5]].append(row)
    many = sum(len({row[1] for row in rows}) > 1 for rows in clips.values())
    if not many or (not reading.several_labels and (many < FEWEST or many < LEAST_SHARE * len(clips))):
        return False
    doubtful = not reading.several_labels and many < SURE_SHARE * len(clips)
    reading.several_labels = True
    reading.rows = [
        (first[0], joined(part for row in rows for part in row[1].split(MARK)), *first[2:])
        for rows in clips.values()
        for first in rows[:1]
    ]
    return doubtful


CONTRADICTED = "Where several rows of a clip contradict each other, mend the list: all of them are its labels. "
REMEDY = (
    "A training learns all labels. To learn one label a clip, set data.labels to first (the first label of each clip) or single (the "
    "clips with one label only)"
)


def several_in(table: pd.DataFrame) -> bool:
    """Whether the cells of a clip table may hold several labels."""
    return SEVERAL in table


def labels_by_clip(table: pd.DataFrame, cells: Sequence[str] | np.ndarray) -> list[list[str]]:
    """The labels of each clip: those in its cell, or the one that its cell is.

    Args:
        table: whose cells they are.
        cells: (clips,) of its column ``label``, or of its own labels.
    """
    return [labels_of(cell) for cell in cells] if several_in(table) else [[cell] for cell in cells]


def exploded(table: pd.DataFrame) -> pd.DataFrame:
    """A clip table with a row a label: a clip of several labels has as many rows, one without any has none. The index stays."""
    if not several_in(table):
        return table
    return (
        table.assign(label=labels_by_clip(table, table["label"].to_numpy())).explode("label").dropna(subset=["label"])
    )


def strata(table: pd.DataFrame, cells: Sequence[str] | np.ndarray) -> np.ndarray:
    """(clips,) the label that each clip is stratified by: its own, of several the rarest one. Args as for :func:`labels_by_clip`."""
    return np.array(rarest(list(cells)) if several_in(table) else list(cells), dtype=object)


def with_one_label(dataset: Dataset, choice: Choice) -> Dataset:
    """A data set with the first label of each clip, or with those clips alone that have a single one.

    Raises:
        DatasetError: no clip has a label, or a single one.
    """
    if choice == "all" or not dataset.several_labels:
        return dataset
    counts = [len(labels_of(cell)) for cell in dataset.table["label"]]
    wanted = [count == 1 if choice == "single" else count > 0 for count in counts]
    table = dataset.table[wanted].reset_index(drop=True)
    if not len(table):
        remedy = "Take the first one: --labels first" if any(counts) else "Name the labels that its clips have"
        raise DatasetError(f"no clip of {dataset.name} has a single label", remedy)
    table = table.drop(columns=[SEVERAL, OWN_LABEL], errors="ignore").assign(
        label=pd.Series([labels_of(label)[0] for label in table["label"]], dtype=object)
    )
    findings = [finding for finding in dataset.findings if finding.kind != KIND]
    return replace(dataset, table=table, findings=findings, several_labels=False)
