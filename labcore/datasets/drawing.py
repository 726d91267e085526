"""Folds are drawn for a data set: grouped, so that nothing that belongs together stands in two of them, and stratified by class."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from labcore.datasets.checks.copies import linked
from labcore.datasets.checks.evidence import equal_clips, spans_of
from labcore.datasets.checks.measure import Span
from labcore.datasets.folds import join_groups
from labcore.datasets.grouping import Grouping
from labcore.datasets.health import known_copies
from labcore.datasets.several import labels_by_clip, strata
from labcore.datasets.table import Dataset, natural_order, own_labels, some
from labcore.errors import ConfigError, DatasetError
from labcore.texts import counted, shown

MOST_FOLDS = 100
NAMED = 3
"""So many of what leaks are named."""


@dataclass(frozen=True)
class GroupedFolds:
    """Folds that were drawn. ``folds``: of each clip, "1" … "n"; ``notes``: what there is to know, sentences without the final stop."""

    grouping: Grouping
    folds: list[str]
    notes: list[str]


def make_folds(dataset: Dataset, grouping: Grouping, count: int = 5, seed: int = 0) -> GroupedFolds:
    """Draw folds by scikit-learn's ``StratifiedGroupKFold``. The same clips give the same folds on every machine, in whatever order.

    Groups that share a recording, equal files, or copies that the last check found, become one before.

    Args:
        grouping: of the clips, see :func:`labcore.datasets.grouping.group_by`.
        count: of folds.

    Raises:
        ConfigError: a number of folds that cannot be.
        DatasetError: there are fewer groups than folds, or a fold would be empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if not 2 <= count <= MOST_FOLDS:
        raise ConfigError(f"{count} folds cannot be drawn", f"Ask for 2 to {MOST_FOLDS}")
    grouping = joined(dataset, grouping)
    groups = len(grouping.sizes)
    if groups < count:
        fewer = f"Ask for at most {counted(groups, 'fold')}, or group" if groups > 1 else "Group"
        raise DatasetError(
            f"{counted(groups, 'group')} by {grouping.by} cannot make {count} folds", f"{fewer} by something finer"
        )
    table = dataset.table
    labels = strata(table, own_labels(table)).tolist()
    keys = list(zip(grouping.ways, dataset.table["start_s"].tolist(), strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    split = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    names, members = ([values[row] for row in order] for values in (labels, grouping.groups))
    folds = [""] * len(order)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of rare classes: told below
            for number, (_, held_out) in enumerate(split.split(np.zeros(len(order)), names, members), 1):
                for place in held_out.tolist():
                    folds[order[place]] = str(number)
    except ValueError as error:
        raise DatasetError(f"{count} folds cannot be drawn: {error}", "Ask for fewer folds") from error
    if len(set(folds)) < count:
        raise DatasetError(f"of {count} folds {count - len(set(folds))} would have no clip", "Ask for fewer folds")
    return GroupedFolds(grouping, folds, list(_told_of_classes(labels_by_clip(table, own_labels(table)), folds)))


def joined(dataset: Dataset, grouping: Grouping) -> Grouping:
    """Groups after those that share a recording, equal files, or copies that the last check found, have become one."""
    copies: list[object] = [None] * len(dataset)
    for number, rows in enumerate(linked(known_copies(dataset))):
        for row in rows:
            copies[row] = number
    ties = [dataset.table["group"].tolist(), dataset.table["path"].tolist(), _content(dataset), copies]
    after = join_groups(grouping.groups, ties)
    fewer = len(set(grouping.groups)) - len(set(after))
    return replace(grouping, groups=after, joined=fewer)


def leaks_of(dataset: Dataset, folds: Sequence[str], groups: Sequence[str] = ()) -> list[str]:
    """What stands in several folds and belongs together: recordings, equal files, copies that the last check found. A sentence each.

    Args:
        folds: of each clip; "" for one that is left out.
        groups: what else keeps clips together, a value a clip; "" for nothing.
    """
    ways = [shown(path) for path in dataset.table["path"]]
    told, known = [], set[frozenset[int]]()
    near = [list(pair) for pair in known_copies(dataset)]
    for one, several, sets in (
        ("recording", "recordings", _sets(dataset.table["group"].tolist())),
        ("file with its copy", "files with their copies", _sets(_content(dataset))),
        ("copy of a sound", "copies of a sound", near),
        ("group", "groups", _sets(groups) if groups else []),
    ):
        used = ([row for row in held if folds[row]] for held in sets)
        there = [rows for rows in used if len({folds[row] for row in rows}) > 1]
        found = [rows for rows in there if not any(frozenset(rows) <= each for each in known)]
        known.update(map(frozenset, found))
        if found:
            first = "; ".join(_where(rows, ways, folds) for rows in found[:NAMED])
            told.append(f"{counted(len(found), one, several)} in several folds: {first}")
    return told


def require_no_leak(dataset: Dataset, folds: Sequence[str], groups: Sequence[str], name: str) -> None:
    """Refuse folds in which something that belongs together stands in several.

    Raises:
        DatasetError: there is such a thing; it names the first.
    """
    if told := leaks_of(dataset, folds, groups):
        raise DatasetError(
            f"the split {name!r} leaks: {'; '.join(told)}",
            f"Draw it anew: `labcore datasets split {dataset.name} --by source --as NAME`, or exclude the copies",
        )


def _sets(values: Sequence[object]) -> list[list[int]]:
    """The rows of each value that several have; None and "" tie nothing."""
    rows: dict[object, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        if value not in (None, ""):
            rows[value].append(row)
    return [held for held in rows.values() if len(held) > 1]


def _where(rows: Iterable[int], ways: Sequence[str], folds: Sequence[str]) -> str:
    """``a.wav in fold 1 and b.wav in fold 2``: a clip of each fold."""
    first = {folds[row]: row for row in reversed(list(rows)) if folds[row]}
    return " and ".join(f"{ways[first[fold]].rpartition('/')[2]} in fold {fold}" for fold in natural_order(set(first)))


def _content(dataset: Dataset) -> list[object]:
    """A value a clip that is equal for equal files of which the same part is taken; None where there is no other."""
    spans: list[Span] = spans_of(dataset)
    content: list[object] = [None] * len(spans)
    for number, same in enumerate(equal_clips(spans, range(len(spans)))):
        for row in same:
            content[row] = number
    return content


def _told_of_classes(labels: Sequence[Sequence[str]], folds: Sequence[str]) -> Iterable[str]:
    held: dict[str, set[str]] = defaultdict(set)
    for names, fold in zip(labels, folds, strict=True):
        for label in names:
            held[label].add(fold)
    alone = natural_order([label for label, there in held.items() if len(there) == 1])
    if alone:
        yield f"in one fold only, since all their clips belong together: {some(alone)}"
    every = set(folds)
    missing = natural_order([label for label, there in held.items() if 1 < len(there) < len(every)])
    if missing:
        yield f"not in every fold: {some(missing)}"
