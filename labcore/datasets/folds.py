"""Folds: drawn by recording where a data set brings none, and split so that no recording stands on both sides."""

from __future__ import annotations

import contextlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath

import numpy as np
import pandas as pd

from labcore.config import DataConfig
from labcore.datasets.by_time import told_of_split
from labcore.datasets.table import PARTS, Dataset, Split, fold_order, way_from
from labcore.errors import DatasetError
from labcore.texts import as_bytes, counted, shown

DRAWN_FOLDS = 5
ONLY_SHARE = 0.2
"""So much of a fold is held out where it is the only one that is not left out."""
_clips = partial(counted, unit="clip", figure=str)


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
    order = sorted(members, key=lambda group: (-members[group].total(), zlib.crc32(as_bytes(f"{seed}:{group}")), group))
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
    note = f"{count} folds drawn {how}, stratified by class" if count > 1 else "all clips come from one recording"
    return [fold_of[group] for group in groups], note


def drawn_in(dataset: Dataset, folder: str) -> Dataset:
    """A data set with the folds that were drawn for it where groups were named by absolute paths, had it lain in ``folder``.

    So they were at first, which gave other folds at every place. Runs of that time go on with theirs.
    """
    table = dataset.table
    known = {shown(way_from(dataset.folder, path)) for path in table["path"]}
    groups = [f"{folder}/{group}" if group in known else group for group in table["group"]]
    changed = table.assign(group=pd.Series(groups, dtype=object))
    if list(table["fold"]) == assign_folds(list(table["label"]), list(table["group"]))[0]:
        changed["fold"] = pd.Series(assign_folds(list(table["label"]), groups)[0], dtype=object)
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


def split_for(dataset: Dataset | pd.DataFrame, data: DataConfig) -> Split:
    """The split that a configuration asks for: see :func:`split`."""
    return split(dataset, data.fold, kind=data.split, leave_out=data.leave_out, validation_share=data.validation_share)


def cannot_be_held_out(dataset: Dataset | pd.DataFrame, data: DataConfig) -> dict[str, str]:
    """Fold → why it cannot be held out with a configuration's other settings, a sentence without the final stop; "" where it can."""
    found = {}
    table = dataset if isinstance(dataset, pd.DataFrame) else dataset.table
    for fold in fold_order(set(table["fold"])):
        try:
            split_for(table, data.model_copy(update={"fold": fold}))
            found[fold] = ""
        except DatasetError as error:
            found[fold] = error.what
    return found


def split(
    dataset: Dataset | pd.DataFrame,
    fold: str | None = None,
    *,
    kind: str = "official",
    leave_out: str | None = None,
    validation_share: float = 0.0,
) -> Split:
    """The rows to train on and the rows to report on.

    A split depends on the clips alone, not on the seed of a run, so runs with several seeds can be compared.

    Args:
        dataset: a data set, or its clip table (a clip store's, where unreadable clips are left out).
        fold: what is held out; None takes the part "test" where there is one, else "val", else the first fold that can be held
            out. Where a part "train" exists and another named part is held out, "train" alone is trained on.
        kind: "official" keeps the folds of the data set. "random" deals the clips of each class anew to folds of the same
            names, sizes and class counts, without regard to recordings; it shows what such a split pretends.
        leave_out: a fold whose clips, and those of the same recordings, are used for nothing at all. Where ``fold`` is the only
            other one, a fifth of its recordings is held out.
        validation_share: this share of the clips left for training is set aside for validation, whole recordings of it and
            about as much of each class. A class whose clips cannot be parted so stays in training whole.

    Returns:
        Row numbers. Clips whose recording is also held out are left out of the training rows, and the note says how many;
        under "random" they stay, and ``leaks`` says so.

    Raises:
        DatasetError: no such fold; the fold is left out as well; nothing, or one class only, is left to train on; no
            recording can be set aside for validation.
    """
    table = dataset if isinstance(dataset, pd.DataFrame) else dataset.table
    folds = fold_order(set(table["fold"]))
    first, leave_out = _chosen(folds, fold, leave_out)
    try:
        return _split(table, folds, first, kind, leave_out, validation_share)
    except DatasetError as error:
        for other in (each for each in folds if fold is None and {first, each}.isdisjoint(PARTS)):
            with contextlib.suppress(DatasetError):
                parts = _split(table, folds, other, kind, leave_out, validation_share)
                return replace(
                    parts,
                    note="; ".join(filter(None, [f"fold {other} is the test fold, since {error.what}", parts.note])),
                )
        raise


def _split(
    table: pd.DataFrame, folds: list[str], fold: str, kind: str, leave_out: str | None, validation_share: float
) -> Split:
    """The split with one fold held out; see :func:`split`."""
    label, group = table["label"].to_numpy(dtype=object), table["group"].to_numpy(dtype=object)
    of_clip = folds_of(table, kind)
    held_out, left = of_clip == fold, of_clip == leave_out
    train = of_clip == "train" if fold in PARTS and "train" in folds else ~held_out
    notes = []
    if leave_out is not None and (held_out | left).all():
        rows = np.flatnonzero(held_out & ~np.isin(group, list(set(group[left]))))
        held_out[rows] = _set_aside(label[rows], group[rows], ONLY_SHARE)
        train = ~held_out
        notes.append(f"it is the only fold: {_clips(int(held_out[rows].sum()))} of it tested on, the others trained on")
    train &= ~(held_out | left)
    if kind == "random":
        straddling = np.zeros(len(table), dtype=bool)
        known = int((held_out & np.isin(group, list(set(group[train])))).sum())
        told = f"{known} of {_clips(int(held_out.sum()))} of the test fold come from recordings in the training set"
        unknown = "random split; no recording is known to be on both sides"
        notes.append(f"random split, which leaks: {told}" if known else unknown)
    else:
        known = 0
        held_out &= ~np.isin(group, list(set(group[left])))
        straddling = train & np.isin(group, list(set(group[held_out | left])))
        train &= ~straddling
    if not train.any() or not held_out.any():
        _raise_empty(fold, leave_out, bool(straddling.any()), bool(held_out.any()))
    learnt, asked = set(label[train]), set(label[held_out])
    if len(learnt) < 2:
        raise DatasetError(
            f"only one class, {next(iter(learnt))!r}, is left for training when fold {fold} is the test fold",
            "Choose another test fold, or add clips of other classes",
        )
    if n := int(straddling.sum()):
        notes.append(f"{_clips(n)} excluded from training: the test fold has clips of the same recordings")
    if timed := told_of_split(label, group, train, held_out):
        notes.append(timed)
    if unseen := sorted(asked - learnt):
        notes.append(f"not in the training set, since all their clips are in the test fold: {', '.join(unseen)}")
    if untested := sorted(learnt - asked):
        notes.append(f"not in the test fold: {', '.join(untested)}")
    if leave_out is not None:
        notes.append(f"{_clips(int(left.sum()))} of fold {leave_out} excluded")
    if unused := int((~train & ~held_out & ~straddling & ~left).sum()):
        notes.append(f"{_clips(unused)} of other parts not used")
    rows = np.flatnonzero(train)
    aside = np.zeros(len(rows), dtype=bool)
    if validation_share > 0:
        aside = _set_aside(label[rows], group[rows], validation_share)
        without = ", ".join(sorted(set(label[rows]) - set(label[rows][aside])))
        told = f"{_clips(int(aside.sum()))} of the training clips set aside for validation"
        notes.append(f"{told}, none of {without}" if without else told)
    return Split(
        rows[~aside], np.flatnonzero(held_out), fold, "; ".join(notes), validation=rows[aside], leaks=known > 0
    )


def folds_of(table: pd.DataFrame, kind: str = "official") -> np.ndarray:
    """The fold of each clip. Under "random" the clips of each class have swapped theirs; the same way on every machine."""
    of_clip = table["fold"].to_numpy(dtype=object)
    if kind == "official":
        return of_clip
    columns = zip(table["path"], table["start_s"], strict=True)
    lots = [(zlib.crc32(as_bytes(f"{PurePath(path).name}:{start:g}")), path, start) for path, start in columns]
    label = table["label"].to_numpy(dtype=object)
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


def _chosen(folds: list[str], fold: str | None, leave_out: str | None) -> tuple[str, str | None]:
    listed = f"There are: {', '.join(folds) or 'none'}"
    if leave_out is not None and (leave_out := str(leave_out)) not in folds:
        raise DatasetError(f"there is no fold {leave_out!r} to leave out in this data set", listed)
    if fold is None:
        there = [part for part in ("test", "val", *folds) if part in folds and part not in ("train", leave_out)]
        fold = there[0] if there else "train"
    if (fold := str(fold)) not in folds:
        raise DatasetError(f"there is no fold {fold!r} in this data set", listed)
    if fold == leave_out:
        raise DatasetError(
            f"fold {fold} cannot be both the test fold and the excluded fold", "Exclude another fold, or none"
        )
    return fold, leave_out


def _set_aside(label: np.ndarray, group: np.ndarray, share: float) -> np.ndarray:
    """Which of the training clips are for validation: (clips,) bool. Whole groups; no class loses its last clip."""
    total = Counter(label.tolist())
    wanted = {name: max(1.0, share * n) for name, n in total.items()}
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for name, of in zip(label, group, strict=True):
        members[of][name] += 1
    taken: Counter[str] = Counter()
    chosen: set[str] = set()

    def try_group(of: str, nearer: bool) -> None:
        clips = members[of]
        left = all(taken[name] + n < total[name] for name, n in clips.items())
        change = sum(abs(taken[name] + n - wanted[name]) - abs(taken[name] - wanted[name]) for name, n in clips.items())
        if left and (change < 0 or not nearer):
            chosen.add(of)
            taken.update(clips)

    order = sorted(members, key=lambda of: (zlib.crc32(as_bytes(f"validation:{of}")), of))
    for of in order:
        try_group(of, nearer=True)
    for name in sorted(total):
        # a class of few and large recordings gives its smallest one, at most half of its clips
        for of in sorted((of for of in order if members[of][name]), key=lambda of: members[of].total()):
            if not taken[name] and members[of][name] <= total[name] / 2:
                try_group(of, nearer=False)
    if not chosen:
        raise DatasetError(
            "no recording can be set aside for validation: each class has only one",
            "Set data.validation_share to 0, or add clips of other recordings",
        )
    return np.isin(group, list(chosen))


def _raise_empty(fold: str, leave_out: str | None, straddling: bool, held_out: bool) -> None:
    without = f" and fold {leave_out} is excluded" if leave_out is not None else ""
    if not held_out:
        raise DatasetError(
            f"nothing is left of fold {fold}: all its clips come from recordings of fold {leave_out}, which is excluded",
            "Exclude another fold",
        )
    because = "every other clip comes from a recording of that fold" if straddling else "it holds all clips"
    if leave_out is not None:
        because = "there are no other clips"
    raise DatasetError(
        f"nothing is left for training when fold {fold} is the test fold{without}: {because}",
        "Choose another test fold, or add clips of other recordings",
    )
