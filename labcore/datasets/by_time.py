"""Recordings that are parted by time, where a class has no other one: the only way in which it can be trained and held out.

This is weaker than folds by recording: both sides come from one place, one day and one microphone. So it is done only where a fold could
not be drawn otherwise, and told wherever the split is told.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from labcore.audio import probe
from labcore.datasets.cells import labels_of
from labcore.datasets.folds import assign_folds
from labcore.datasets.table import COLUMNS, SEVERAL, Dataset, Finding, make_table, some
from labcore.errors import AudioError
from labcore.texts import counted, shown

Row = tuple[str, str, str, str, float, float]
"""path, label, fold, group, start and end in seconds."""
KIND = "by time"

CUT, SPAN = " · time ", " · span "
"""In the name of a group, before the number of its part: of a recording that was cut, and of one whose clips are spans of it."""
WHOLE = ". A split of your own by source keeps recordings whole"
"""What can be done for the other classes of a recording that is parted."""
PARTS = 5
LEAST_SECONDS = 3.0
"""A part is at least so long; what is too short for two of them stays whole."""
GUARD_SHARE, LEAST_GUARD, MOST_GUARD = 0.05, 1.0, 10.0
"""What is left out between two parts, as a share of their length, and its bounds in seconds."""
PIECE_SECONDS = 10.0
MOST_PIECES = 50
"""A part is cut into clips of about so many seconds, and into so many at most."""


def parted(rows: list[Row], thin: bool = False, *, several: bool = False) -> tuple[list[Row], list[Finding]]:
    """The rows of a data set without folds, in which recordings that are the only one of a class are parted by time.

    Each part is a group of its own, named by :data:`CUT` or :data:`SPAN`. A file that holds one clip is cut into parts with a guard
    between them, so that no window reaches from one into the next; clips that are spans of a file are parted where none overlaps.

    Args:
        thin: where clips that are spans overlap everywhere, those that lie across the cuts are left out.
        several: the labels of rows are cells that may hold several.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for label in labels_of(row[1]) if several else [row[1]]:
            groups[label].add(row[3])
        members[row[3]].append(number)
    alone = {group for held in groups.values() if len(held) == 1 for group in held}
    made = {group: found for group in sorted(alone) if (found := _parts([rows[n] for n in members[group]], thin))}
    if not made:
        return rows, []
    placed = {number: made[group][at] for group in made for at, number in enumerate(members[group])}
    after = [row for number, old in enumerate(rows) for row in placed.get(number, [old])]
    lone = {label for label, held in groups.items() if len(held) == 1 and held <= made.keys()}
    return after, [
        _told(
            sorted(lone),
            sorted(label for label, held in groups.items() if label not in lone and held & made.keys()),
            sorted({rows[members[group][0]][0] for group in made}),
            sum(not each for found in made.values() for each in found),
        )
    ]


def _parts(rows: list[Row], thin: bool) -> list[list[Row]]:
    """For each row of one group what takes its place; empty where the recording cannot be parted."""
    if len({row[0] for row in rows}) > 1:
        return []
    if len(rows) > 1:
        return _spans(rows, thin)
    (row,) = rows
    if row[4] or not math.isnan(row[5]):
        return []
    try:
        cuts = split_by_time(probe(row[0]).seconds)
    except AudioError:  # reading its clips tells of it
        return []
    pieces = [(number, piece) for number, part in enumerate(cuts, 1) for piece in _pieces(*part)]
    made = [(*row[:3], f"{row[3]}{CUT}{number}", start, end) for number, (start, end) in pieces]
    return [[*made[:-1], (*made[-1][:5], math.nan)]] if made else []


def split_by_time(seconds: float) -> list[tuple[float, float]]:
    """Parts of a recording of so many seconds, (start, end) each, with a guard between them; none where it is too short for two."""
    for count in range(PARTS, 1, -1):
        guard = min(max(GUARD_SHARE * seconds / count, LEAST_GUARD), MOST_GUARD)
        length = (seconds - (count - 1) * guard) / count
        if length >= LEAST_SECONDS:
            return [(n * (length + guard), n * (length + guard) + length) for n in range(count)]
    return []


def _pieces(start: float, end: float) -> list[tuple[float, float]]:
    count = min(MOST_PIECES, max(1, round((end - start) / PIECE_SECONDS)))
    edges = np.round(np.linspace(start, end, count + 1), 3).tolist()
    return list(itertools.pairwise(edges))


def _spans(rows: list[Row], thin: bool) -> list[list[Row]]:
    """Clips that are spans of one file, in parts of about equal number; a part ends where no clip reaches into the next.

    Where every clip does, they end all the same with ``thin``: what takes the place of those that reach across is nothing.
    """
    order = sorted(range(len(rows)), key=lambda n: (rows[n][4], n))
    reach = np.maximum.accumulate([_end(rows[n]) for n in order])
    free = [at for at in range(1, len(order)) if rows[order[at]][4] >= reach[at - 1]]
    wanted = [round(len(order) * part / PARTS) for part in range(1, PARTS)]
    ends = sorted({min(free, key=lambda at: abs(at - ideal)) for ideal in wanted}) if free else []
    across: set[int] = set()
    if not ends and thin:
        ends = sorted({at for at in wanted if at < len(order) and rows[order[0]][4] < rows[order[at]][4]})
        across = {order[n] for end in ends for n in range(end) if _end(rows[order[n]]) > rows[order[end]][4]}
    part_of = {number: 1 + sum(at >= end for end in ends) for at, number in enumerate(order)}
    if len({part for n, part in part_of.items() if n not in across}) < 2:
        return []
    return [[(*row[:3], f"{row[3]}{SPAN}{part_of[n]}", *row[4:])] * (n not in across) for n, row in enumerate(rows)]


def _end(row: Row) -> float:
    return math.inf if math.isnan(row[5]) else row[5]


def recording_of(group: str) -> str:
    """The recording of a group: its own name, without the number of a part."""
    for mark in (CUT, SPAN):
        name, found, number = group.rpartition(mark)
        if found and number.isdecimal():
            return name
    return group


def recordings_of(groups: Iterable[object]) -> np.ndarray:
    """(clips,) text: the recording of each clip's group, as :func:`recording_of` tells it."""
    return np.array([recording_of(str(group)) for group in groups], dtype=str)


def told_of_split(label: np.ndarray, group: np.ndarray, train: np.ndarray, held_out: np.ndarray) -> str:
    """What is to be known of a split where other times of a recording are trained on than are held out; "" for none.

    Args:
        label, group: (clips,) texts.
        train, held_out: (clips,) bool.
    """
    recordings = np.array([recording_of(name) for name in group], dtype=object)
    timed = recordings != group
    trained = set(recordings[train & timed].tolist())
    both = held_out & timed & np.array([each in trained for each in recordings], dtype=bool)
    if not both.any():
        return ""
    return (
        f"{counted(int(both.sum()), 'held-out clip')} of {some(sorted(set(label[both])))} come from a recording that is also trained on, "
        "at other times: a weaker test than other recordings"
    )


def whole(dataset: Dataset) -> Dataset:
    """The data set as it was before recordings were parted by time, for runs that began then."""
    table = dataset.table
    groups = [recording_of(name) for name in table["group"]]
    if groups == list(table["group"]):
        return dataset
    rows: list[Row] = []
    for row, group in zip(table[list(COLUMNS)].itertuples(index=False, name=None), groups, strict=True):
        cut = f"{group}{CUT}" in row[3]
        if cut and rows and rows[-1][:2] == row[:2] and rows[-1][3] == group:
            continue  # a later piece
        rows.append((*row[:3], group, *((0.0, math.nan) if cut else row[4:])))
    folds, _ = assign_folds([row[1] for row in rows], [row[3] for row in rows], several=dataset.several_labels)
    table = make_table(rows).assign(fold=pd.Series(folds, dtype=object))
    table = table.assign(**{SEVERAL: True}) if dataset.several_labels else table
    findings = [finding for finding in dataset.findings if finding.kind != KIND]
    return replace(dataset, table=table, findings=findings)


def _told(labels: list[str], others: list[str], paths: list[str], across: int) -> Finding:
    """What is told of the recordings that were parted for some labels; ``others``: those that have clips in them too."""
    files = some((shown(Path(path).name) for path in paths), 3)
    too = f", and so is that of {some(map(shown, others))}, which it holds too" if others else ""
    who = f"class {shown(labels[0])} has" if len(labels) == 1 else f"classes {some(map(shown, labels))} have"
    return Finding(
        KIND,
        f"the {who} only one recording{'' if len(labels) == 1 else ' each'} ({files}), which is split by time into training "
        f"and test clips. This is a weaker test than other recordings, so the accuracy of the class is optimistic{too}"
        + (f". Clips across the cuts are left out ({across})" if across else ""),
        tuple(paths),
        "Add clips of other recordings if you have some" + (WHOLE if others else ""),
    )
