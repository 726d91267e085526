"""From the rows of a layout to a data set: groups of equal files, folds where none are given, labels as they are meant."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from labcore.datasets.by_time import Row, parted
from labcore.datasets.cells import MARK, joined
from labcore.datasets.contents import equal_files
from labcore.datasets.folds import assign_folds, join_groups
from labcore.datasets.labels import alike, several_in_a_cell, unified
from labcore.datasets.table import (
    SEVERAL,
    DataProblem,
    Dataset,
    Finding,
    fold_order,
    folder_of,
    make_table,
    merged,
    ways_from,
)
from labcore.texts import composed, counted, shown

URBANSOUND_NAME = re.compile(r"(?P<source>\d+)-(?P<target>\d)-\d+-\d+$")
ESC50_NAME = re.compile(r"(?P<fold>[1-5])-(?P<source>\d+)-[A-Z]-(?P<target>\d+)$")
LISTED = ("csv", "audiofolder")
"""Layouts whose labels people write into a list."""
SPEECH_COMMANDS_NAME = re.compile(r"(?P<source>.+)_nohash_\d+$")


@dataclass
class DatasetDraft:
    """What a layout gave so far.

    Attributes:
        official: its folds are published with the data set.
        group: what its groups are, where they are not recordings: "speaker".
        several_labels: a cell may hold several labels, see :mod:`labcore.datasets.several`.
    """

    name: str
    root: Path
    layout: str
    rows: list[Row] = field(default_factory=list)
    problems: list[DataProblem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    passed_over: int = 0
    label_order: tuple[str, ...] = ()
    official: bool = False
    group: str = ""
    several_labels: bool = False


def source_of(file: str) -> str:
    """The recording or the speaker in a file's name, where it is named as UrbanSound8K, ESC-50 or Speech Commands name theirs."""
    stem = os.path.splitext(os.path.basename(file))[0]  # noqa: PTH119, PTH122 (called for every file)
    if "-" not in stem and "_" not in stem:  # as most names
        return ""
    known = (pattern.match(stem) for pattern in (URBANSOUND_NAME, ESC50_NAME, SPEECH_COMMANDS_NAME))
    return next((match["source"] for match in known if match), "")


def join_equal_files(rows: list[Row]) -> list[Row]:
    """Clips of one file, and of files with equal contents, become one group."""
    content: dict[str, int] = {}
    for number, same in enumerate(equal_files(row[0] for row in rows)):
        content.update(dict.fromkeys(same, number))
    groups = join_groups([row[3] for row in rows], [[row[0] for row in rows], [content.get(row[0]) for row in rows]])
    return [(*row[:3], group, *row[4:]) for row, group in zip(rows, groups, strict=True)]


def without_single_fold(rows: list[Row]) -> list[Row]:
    """A single part holds nothing out: its clips get folds of their own."""
    return [(row[0], row[1], "", *row[3:]) for row in rows] if len({row[2] for row in rows}) == 1 else rows


def without_repeats(rows: list[Row]) -> tuple[list[Row], list[Finding]]:
    """Rows without those that say again what an earlier one says, and what is told of these. Rows of one clip that differ in their label
    or fold contradict each other, and stay: the check tells them."""
    kept: dict[tuple[object, ...], Row] = {}
    files: dict[str, None] = {}
    for row in rows:
        fields = (*row[:3], row[4], str(row[5]))  # as a text: nan is not equal to itself
        if kept.setdefault(fields, row) is not row:
            files[row[0]] = None
    if not files:
        return rows, []
    count = len(rows) - len(kept)
    what = f"{counted(count, 'row')} {'repeats' if count == 1 else 'repeat'} another one, with the same file, part, label and fold"
    found = Finding("repeated rows", f"{what}: each clip counts once", tuple(files), "Name each clip once in the list")
    return list(kept.values()), [found]


def assembled(reading: DatasetDraft) -> Dataset:
    """The data set, with folds drawn where it brings none; clips without a fold among clips with one are trained on. Rows that repeat
    others are left out."""
    reading.rows, repeats = without_repeats(reading.rows)
    folder = folder_of(reading.root, (row[0] for row in reading.rows))
    # by their way from the folder on, folds are drawn alike wherever the data set lies
    groups = ways_from(folder, [row[3] for row in reading.rows])
    rows = [(*row[:3], group, *row[4:]) for row, group in zip(reading.rows, groups, strict=True)]
    named = Counter(row[2] for row in rows)
    empty = named.pop("", 0)
    timed: list[Finding] = []
    if rows and not named:
        rows, timed = parted(rows, thin=reading.layout == "annotations", several=reading.several_labels)
        cells = [row[1] for row in rows]
        folds, note = assign_folds(cells, [row[3] for row in rows], several=reading.several_labels)
        rows = [(*row[:2], fold, *row[3:]) for row, fold in zip(rows, folds, strict=True)]
        note = (
            note.replace("source recording", reading.group).replace("recording", reading.group)
            if reading.group
            else note
        )
        note += "; classes with a single recording are split by time" if timed else ""
    else:
        kind = "official folds" if reading.official else "folds from the data set"
        note = f"{kind}: {', '.join(fold_order(set(named)))}"
        if empty:
            rows = [(*row[:2], row[2] or "train", *row[3:]) for row in rows]
            note += f"; {empty} clips without a fold are used for training only"
    labels, told = _labels(reading, [row[1] for row in rows])
    rows = [(row[0], label, row[2], shown(row[3]), *row[4:]) for row, label in zip(rows, labels, strict=True)]
    table = make_table(rows)
    return Dataset(
        reading.name,
        reading.root,
        reading.layout,
        table.assign(**{SEVERAL: True}) if reading.several_labels else table,
        merged(reading.problems),
        note,
        reading.passed_over,
        reading.label_order,
        reading.findings + repeats + told + timed,
        several_labels=reading.several_labels,
    )


def _labels(reading: DatasetDraft, labels: list[str]) -> tuple[list[str], list[Finding]]:
    """Labels as they are meant, and what is told of them."""
    if reading.layout in (*LISTED, "annotations"):
        if reading.several_labels:
            return _cells(labels)
        labels, told = unified(labels)
        return labels, [*told, *several_in_a_cell(labels)]
    labels = [composed(shown(label)) for label in labels]
    return labels, [] if reading.official else list(alike(set(labels)))


def _cells(cells: list[str]) -> tuple[list[str], list[Finding]]:
    """The same of cells with several labels, label by label."""
    parts = [cell.split(MARK) for cell in cells]
    tidied, told = unified([part for each in parts for part in each])
    rest = iter(tidied)
    return [joined(islice(rest, len(each))) for each in parts], told
