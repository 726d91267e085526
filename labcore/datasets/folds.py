"""Folds: drawn by recording where a data set brings none, so that no recording stands in two of them."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TypeVar

import numpy as np
import pandas as pd

from labcore.datasets.cells import labels_of
from labcore.datasets.table import PARTS, Dataset, own_labels, ways_from
from labcore.errors import DatasetError
from labcore.texts import all_shown, as_bytes

DRAWN_FOLDS = 5
T = TypeVar("T", int, str)


def assign_folds(labels: Sequence[str], groups: Sequence[str], *, several: bool = False) -> tuple[list[str], str]:
    """Draw :data:`DRAWN_FOLDS` folds of about equal size and class balance that keep each group together; fewer of fewer groups.

    Groups are dealt out, large ones first, each to the fold that has the fewest clips of its classes. The same clips give the
    same folds on every machine, in whatever order they come.

    Args:
        labels, groups: of each clip.
        several: the labels are cells that may hold several, each of which is balanced.

    Returns:
        The fold of each clip, "1" … "n", and a sentence on how they came about, without the final stop.
    """
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        members[group].update(labels_of(label) or [label] if several else [label])
    count = max(1, min(DRAWN_FOLDS, len(members)))
    order = sorted(members, key=lambda group: (-members[group].total(), zlib.crc32(as_bytes(f"0:{group}")), group))
    held: dict[str, list[int]] = defaultdict(lambda: [0] * count)  # clips of a class in each fold
    totals = [0] * count
    fold_of: dict[str, str] = {}
    for group in order:
        clips = members[group]
        weights = [
            sum(in_folds)
            for in_folds in zip(*([n * many for many in held[label]] for label, n in clips.items()), strict=True)
        ]
        best = min(zip(weights, totals, range(count), strict=True))[2]
        for label, n in clips.items():
            held[label][best] += n
            totals[best] += n
        fold_of[group] = str(best + 1)
    single = len(members) == len(labels)
    how = "clip by clip" if single else "by source recording"
    note = f"{count} folds drawn {how}, stratified by class" if count > 1 else "all clips come from one recording"
    return [fold_of[group] for group in groups], note


def drawn_in(dataset: Dataset, folder: str) -> Dataset:
    """A data set with the folds that were drawn for it where groups were named by absolute paths, had it lain in ``folder``.

    So they were at first, which gave other folds at every place. Runs of that time go on with theirs.
    """
    table = dataset.table
    now = dataset.folder  # looks at all clips: once
    known = set(all_shown(ways_from(now, table["path"])))
    groups = [f"{folder}/{group}" if group in known else group for group in table["group"]]
    changed = table.assign(group=pd.Series(groups, dtype=object))
    labels, several = list(own_labels(table)), dataset.several_labels
    if list(table["fold"]) == assign_folds(labels, list(table["group"]), several=several)[0]:
        changed["fold"] = pd.Series(assign_folds(labels, groups, several=several)[0], dtype=object)
    return replace(dataset, table=changed)


def join_groups(groups: Sequence[str], ties: Iterable[Sequence[Hashable]]) -> list[str]:
    """Groups after those that share a tie have become one.

    Args:
        groups: of each clip.
        ties: for each kind of tie a value a clip (its file, its content); clips with equal values belong together, None
            ties nothing.

    Returns:
        The group of each clip: the name of the first of those that were joined.
    """
    pairs = []
    for tie in ties:
        first: dict[Hashable, str] = {}
        pairs += [
            (first.setdefault(value, group), group)
            for group, value in zip(groups, tie, strict=True)
            if value is not None
        ]
    name = {group: same[0] for same in linked(pairs) for group in same}
    return [name.get(group, group) for group in groups]


def linked(pairs: Iterable[tuple[T, T]]) -> list[list[T]]:
    """Sets of numbers or names that pairs tie together, each sorted, in the order of their first."""
    parent: dict[T, T] = {}

    def root(one: T) -> T:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    sets: dict[T, list[T]] = {}
    for one in sorted(parent):
        sets.setdefault(root(one), []).append(one)
    return list(sets.values())


def folds_of(table: pd.DataFrame, kind: str = "official") -> np.ndarray:
    """The fold of each clip. Under "random" the clips of each class have swapped theirs; the same way on every machine."""
    of_clip = table["fold"].to_numpy(dtype=object)
    if kind == "official":
        return of_clip
    columns = zip(table["path"], table["start_s"], strict=True)
    lots = [(zlib.crc32(as_bytes(f"{PurePath(path).name}:{start:g}")), path, start) for path, start in columns]
    label = own_labels(table).to_numpy(dtype=object)
    dealt = of_clip.copy()
    for name in set(label):
        rows = np.flatnonzero(label == name).tolist()
        # folds in sorted order meet clips in the order of their lots: neither depends on the order of the rows
        dealt[sorted(rows, key=lots.__getitem__)] = sorted(of_clip[rows])
    return dealt


def official_folds(dataset: Dataset) -> list[str]:
    """The folds that a cross-validation holds out one after the other.

    Raises:
        DatasetError: the data set is parted into train, val and test, or has fewer than two folds.
    """
    folds = [fold for fold in dataset.folds if fold not in PARTS]
    if len(folds) < 2:
        there = ", ".join(dataset.folds) or "none"
        raise DatasetError(
            f"data set {dataset.name} has no folds to iterate over (its parts: {there})",
            "Train a single run, or add a fold column to its list of clips",
        )
    return folds
