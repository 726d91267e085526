"""Folds: drawn by recording where a data set brings none, and split so that no recording stands on both sides."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from labcore.datasets.table import PARTS, Dataset, Split, fold_order
from labcore.errors import DatasetError

DRAWN_FOLDS = 5


def assign_folds(
    labels: Sequence[str], groups: Sequence[str], n_folds: int = DRAWN_FOLDS, seed: int = 0
) -> tuple[list[str], str]:
    """Draw folds of about equal size and class balance that keep each group together.

    Groups are dealt out, large ones first, each to the fold that has the fewest clips of its classes. The same clips give the
    same folds on every machine, in whatever order they come.

    Args:
        labels, groups: of each clip.
        n_folds: how many; fewer where there are fewer groups.

    Returns:
        The fold of each clip, "1" … "n", and a sentence on how they came about, without the final stop.
    """
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for label, group in zip(labels, groups, strict=True):
        members[group][label] += 1
    count = max(1, min(n_folds, len(members)))
    order = sorted(members, key=lambda group: (-members[group].total(), zlib.crc32(f"{seed}:{group}".encode()), group))
    per_class: list[Counter[str]] = [Counter() for _ in range(count)]
    totals = [0] * count
    fold_of: dict[str, str] = {}
    for group in order:
        clips = members[group]
        best = min(
            range(count),
            key=lambda fold: (sum(per_class[fold][label] * n for label, n in clips.items()), totals[fold], fold),
        )
        per_class[best].update(clips)
        totals[best] += clips.total()
        fold_of[group] = str(best + 1)
    single = len(members) == len(labels)
    how = "clip by clip" if single else "by source recording"
    note = f"{count} folds drawn {how}, classes spread evenly" if count > 1 else "all clips come from one recording"
    return [fold_of[group] for group in groups], note


def join_groups(groups: Sequence[str], ties: Iterable[Sequence[Hashable]]) -> list[str]:
    """Groups after those that share a tie have become one.

    Args:
        groups: of each clip.
        ties: for each kind of tie a value a clip (its file, its content); clips with equal values belong together, None
            ties nothing.

    Returns:
        The group of each clip: the name of the first of those that were joined.
    """
    parent: dict[str, str] = {group: group for group in groups}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for tie in ties:
        first: dict[Hashable, str] = {}
        for group, value in zip(groups, tie, strict=True):
            if value is not None:
                one, other = root(first.setdefault(value, group)), root(group)
                parent[max(one, other)] = min(one, other)
    return [root(group) for group in groups]


def split(dataset: Dataset | pd.DataFrame, fold: str | None = None) -> Split:
    """The rows to train on and the rows to report on.

    Args:
        dataset: a data set, or its clip table (a clip store's, where unreadable clips are left out).
        fold: what is held out; None takes the part "test" where there is one, else "val", else the first fold. Where a part
            "train" exists and another named part is held out, "train" alone is trained on.

    Returns:
        Row numbers. Clips whose recording is also held out are left out of the training rows, and the note says how many.

    Raises:
        DatasetError: no such fold; nothing, or one class only, is left to train on.
    """
    table = dataset if isinstance(dataset, pd.DataFrame) else dataset.table
    folds = fold_order(set(table["fold"]))
    if fold is None:
        fold = next((part for part in ("test", "val", *folds) if part in folds and part != "train"), "train")
    fold = str(fold)
    if fold not in folds:
        raise DatasetError(f"there is no fold {fold!r} in this data set", f"There are: {', '.join(folds) or 'none'}")
    of_clip, group = table["fold"].to_numpy(dtype=object), table["group"].to_numpy(dtype=object)
    held_out = of_clip == fold
    train = of_clip == "train" if fold in PARTS and "train" in folds else ~held_out
    train &= ~held_out
    straddling = train & table["group"].isin(set(group[held_out])).to_numpy(dtype=bool)
    train &= ~straddling
    if not train.any():
        because = "every other clip comes from a recording of that fold" if straddling.any() else "it holds all clips"
        raise DatasetError(
            f"nothing is left to train on when fold {fold} is held out: {because}",
            "Hold out another fold, or add clips of other recordings",
        )
    label = table["label"].to_numpy(dtype=object)
    learnt, asked = set(label[train]), set(label[held_out])
    if len(learnt) < 2:
        raise DatasetError(
            f"only one class, {next(iter(learnt))!r}, is left to train on when fold {fold} is held out",
            "Hold out another fold, or add clips of other classes",
        )
    notes = []
    if n := int(straddling.sum()):
        notes.append(f"{_clips(n)} left out of training, because the held-out fold has clips of the same recordings")
    if unseen := sorted(asked - learnt):
        notes.append(f"never trained on, since all their clips are held out: {', '.join(unseen)}")
    if untested := sorted(learnt - asked):
        notes.append(f"not among the held-out clips: {', '.join(untested)}")
    if unused := int((~train & ~held_out & ~straddling).sum()):
        notes.append(f"{_clips(unused)} of other parts not used")
    return Split(np.flatnonzero(train), np.flatnonzero(held_out), fold, "; ".join(notes))


def _clips(n: int) -> str:
    return "1 clip" if n == 1 else f"{n} clips"
