"""Folds are drawn for a data set: grouped, so that nothing that belongs together stands in two of them, and stratified by class."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from shlex import quote

import numpy as np

from labcore.datasets.by_time import recording_of
from labcore.datasets.folds import join_groups, linked
from labcore.datasets.grouping import Grouping
from labcore.datasets.health import known_copies
from labcore.datasets.leaks import content_of
from labcore.datasets.several import labels_by_clip, strata
from labcore.datasets.table import Dataset, natural_order, own_labels, some
from labcore.errors import ConfigError, DatasetError
from labcore.texts import counted

MOST_FOLDS = 100


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
    grouping = require_groups(dataset, grouping, count)
    table = dataset.table
    labels = strata(table, own_labels(table)).tolist()
    if count > (largest := max(Counter(labels).values())):
        what = f"the largest class has {counted(largest, 'clip')}"
        raise DatasetError(f"{count} folds cannot be drawn: {what}", f"Ask for at most {largest}, or add clips")
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
    return GroupedFolds(grouping, folds, list(told_of_classes(labels_by_clip(table, table["label"].tolist()), folds)))


def most_folds(dataset: Dataset, grouping: Grouping) -> int:
    """How many folds there can be at most: as many as groups, and as clips of the largest class."""
    sizes = Counter(strata(dataset.table, own_labels(dataset.table)).tolist())
    return min(MOST_FOLDS, len(grouping.sizes), max(sizes.values(), default=0))


def require_groups(dataset: Dataset, grouping: Grouping, count: int, what: str = "folds") -> Grouping:
    """The groups to be dealt to so many folds, see :func:`joined`.

    Raises:
        DatasetError: there are fewer.
    """
    grouping = joined(dataset, grouping)
    groups = len(grouping.sizes)
    if groups < count:
        fewer = f"Ask for at most {groups} {what}, or group" if groups > 1 else "Group"
        of = (
            f" ({groups + grouping.joined} before those that share a recording or a copy became one)"
            if grouping.joined
            else ""
        )
        mend = (
            f", or exclude copies: `labcore datasets mend {quote(dataset.name)}` lists them" if grouping.joined else ""
        )
        raise DatasetError(
            f"{counted(groups, 'group')} by {grouping.by}{of} cannot make {count} {what}",
            f"{fewer} by something finer{mend}",
        )
    return grouping


def joined(dataset: Dataset, grouping: Grouping) -> Grouping:
    """Groups after those that share a recording, equal files, or copies that the last check found, have become one."""
    copies: list[object] = [None] * len(dataset)
    for number, rows in enumerate(linked(known_copies(dataset))):
        for row in rows:
            copies[row] = number
    ties = [dataset.table["group"].tolist(), dataset.table["path"].tolist(), content_of(dataset), copies]
    before = list(map(recording_of, grouping.groups))  # the parts of one share its path
    after = join_groups(before, ties)
    fewer = len(set(before)) - len(set(after))
    return replace(grouping, groups=after, joined=fewer)


def brought_together(dataset: Dataset, grouping: Grouping, folds: Sequence[str]) -> list[str]:
    """The fold of each clip after what belongs together was moved to the fold in which most of it is: then nothing leaks.

    Args:
        folds: of each clip; "" for one that is in none, and stays so.
    """
    groups = joined(dataset, grouping).groups
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for group, fold in zip(groups, folds, strict=True):
        if fold:
            held[group][fold] += 1
    main = {group: min(natural_order(set(there)), key=lambda fold: -there[fold]) for group, there in held.items()}
    return [main[group] if fold else "" for group, fold in zip(groups, folds, strict=True)]


def told_of_classes(labels: Sequence[Sequence[str]], folds: Sequence[str]) -> Iterable[str]:
    """What there is to know of classes that are not in every fold, a sentence each without the final stop.

    Args:
        labels: of each clip, those that count; none or "" for one that is left out.
    """
    held: dict[str, set[str]] = defaultdict(set)
    for names, fold in zip(labels, folds, strict=True):
        for label in filter(None, names):
            held[label].add(fold)
    alone = natural_order([label for label, there in held.items() if len(there) == 1])
    if alone:
        yield f"in one fold only, since all their clips belong together: {some(alone)}"
    every = set(folds)
    missing = natural_order([label for label, there in held.items() if 1 < len(there) < len(every)])
    if missing:
        yield f"not in every fold: {some(missing)}"
