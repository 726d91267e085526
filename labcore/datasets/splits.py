"""Splits: which clips are trained on, held out and set aside, so that no recording stands on both sides."""

from __future__ import annotations

import contextlib
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, compress

import numpy as np
import pandas as pd

from labcore.config import DataConfig
from labcore.datasets.by_time import told_of_split
from labcore.datasets.cells import labels_of
from labcore.datasets.folds import folds_of
from labcore.datasets.several import labels_by_clip, several_in
from labcore.datasets.table import PARTS, Dataset, Split, fold_order, natural_order, own_labels
from labcore.errors import DatasetError
from labcore.texts import as_bytes, counted, shown

NOT_TRAINED, NOT_TESTED = "not in the training set", "not in the test fold"
"""How the notes on classes that stand on one side only begin."""
ONLY_SHARE = 0.2
"""So much of a fold is held out where it is the only one that is not left out."""
_clips = partial(counted, unit="clip", figure=str)


def split_for(dataset: Dataset | pd.DataFrame, data: DataConfig) -> Split:
    """The split that a configuration asks for: see :func:`split`."""
    return split(
        dataset,
        data.fold,
        kind=data.split,
        leave_out=data.leave_out,
        validation_share=data.validation_share,
        exclude_classes=data.exclude_classes,
    )


def of_classes(label: Sequence[str] | np.ndarray, names: Sequence[str], *, several: bool = False) -> np.ndarray:
    """Which clips are of some classes, by their labels: (clips,) bool. Names that are not UTF-8 go by how they are shown.

    Args:
        several: the labels are cells that may hold several; a clip is of a class if it has its label.
    """
    wanted = {shown(name) for name in names}
    if not wanted:
        return np.zeros(len(label), dtype=bool)
    return np.array(
        [any(shown(name) in wanted for name in (labels_of(each) if several else [each])) for each in label], dtype=bool
    )


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
    exclude_classes: Sequence[str] = (),
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
        exclude_classes: classes whose clips are neither trained on nor held out. Recordings that they share with the test fold are
            not trained on either way.

    Returns:
        Row numbers. Clips whose recording is also held out are left out of the training rows, and the note says how many;
        under "random" they stay, and ``leaks`` says so.

    Raises:
        DatasetError: no such fold or class; the fold is left out as well; nothing, or one class only, is left to train on; no
            recording can be set aside for validation.
    """
    table = dataset if isinstance(dataset, pd.DataFrame) else dataset.table
    folds = fold_order(set(table["fold"]))
    first, leave_out = _chosen(folds, fold, leave_out)
    _check_classes(table, exclude_classes)
    try:
        return _split(table, folds, first, kind, leave_out, validation_share, exclude_classes)
    except DatasetError as error:
        for other in (each for each in folds if fold is None and {first, each}.isdisjoint(PARTS)):
            with contextlib.suppress(DatasetError):
                parts = _split(table, folds, other, kind, leave_out, validation_share, exclude_classes)
                return replace(
                    parts,
                    note="; ".join(filter(None, [f"fold {other} is the test fold, since {error.what}", parts.note])),
                )
        raise


def _split(
    table: pd.DataFrame,
    folds: list[str],
    fold: str,
    kind: str,
    leave_out: str | None,
    validation_share: float,
    exclude_classes: Sequence[str],
) -> Split:
    """The split with one fold held out; see :func:`split`."""
    label, own, group = (
        column.to_numpy(dtype=object) for column in (table["label"], own_labels(table), table["group"])
    )
    of_clip, several = folds_of(table, kind), several_in(table)

    def named(rows: np.ndarray) -> list[list[str]]:
        return labels_by_clip(table, label[rows])

    held_out, left = of_clip == fold, of_clip == leave_out
    train = of_clip == "train" if fold in PARTS and "train" in folds else ~held_out
    straddling, leaks, notes = np.zeros(len(table), dtype=bool), False, []
    if leave_out is not None and (held_out | left).all():
        rows = np.flatnonzero(held_out & ~_of_groups(group, left))
        labels, remedy = labels_by_clip(table, own[rows]), "Add folds, or clips of other recordings"
        held_out[rows] = _set_aside(labels, group[rows], ONLY_SHARE, remedy)
        train = ~held_out
        notes.append(f"it is the only fold: {_clips(int(held_out[rows].sum()))} of it tested on, the others trained on")
    train &= ~(held_out | left)
    if kind == "random":
        known = int((held_out & _of_groups(group, train)).sum())
        told = f"{known} of {_clips(int(held_out.sum()))} of the test fold come from recordings in the training set"
        leaks = known > 0
        unknown = "random split; no recording is known to be on both sides"
        notes.append(f"random split, which leaks: {told}" if leaks else unknown)
    else:
        held_out &= ~_of_groups(group, left)
        straddling = train & _of_groups(group, held_out | left)
        train &= ~straddling
    without_label = label == ""
    if left_out := int((without_label & (train | held_out)).sum()):
        notes.append(f"{_clips(left_out)} left out: excluded by hand, or the label is wrong and no other one is known")
    train, held_out = train & ~without_label, held_out & ~without_label
    unwanted = of_classes(label, exclude_classes, several=several)
    excluded, train, held_out = held_out & unwanted, train & ~unwanted, held_out & ~unwanted
    _check(named(train), fold, leave_out, bool(straddling.any()), bool(held_out.any()), bool(excluded.any()))
    if n := int(straddling.sum()):
        notes.append(f"{_clips(n)} excluded from training: the test fold has clips of the same recordings")
    if timed := told_of_split(label, group, train, held_out):
        notes.append(timed)
    notes += _told_of_classes(set(chain(*named(train))), set(chain(*named(held_out))))
    if leave_out is not None:
        notes.append(f"{_clips(int(left.sum()))} of fold {leave_out} excluded")
    if unwanted.any():
        notes.append(f"{_clips(int(unwanted.sum()))} of excluded classes: {', '.join(exclude_classes)}")
    if unused := int((~train & ~held_out & ~straddling & ~left & ~without_label & ~unwanted).sum()):
        notes.append(f"{_clips(unused)} of other parts not used")
    rows = np.flatnonzero(train)
    aside = np.zeros(len(rows), dtype=bool)
    if validation_share > 0:
        aside = _set_aside(labels_by_clip(table, own[rows]), group[rows], validation_share)
        notes.append(_told_of_validation(named(rows), aside))
    told = "; ".join(notes)
    return Split(rows[~aside], np.flatnonzero(held_out), fold, told, rows[aside], leaks, np.flatnonzero(excluded))


def _of_groups(group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which clips belong to a group of those rows: (clips,) bool, as ``rows``."""
    return _among(group, set(group[rows].tolist()))


def _among(names: np.ndarray, wanted: set[str]) -> np.ndarray:
    """Which names are wanted: (clips,) bool. ``np.isin`` sorts them all, which takes seconds for 100,000 names."""
    return np.fromiter((name in wanted for name in names), dtype=bool, count=len(names))


def _told_of_classes(learnt: set[str], asked: set[str]) -> Iterator[str]:
    """Notes on the classes that stand on one side only."""
    if unseen := sorted(asked - learnt):
        yield f"{NOT_TRAINED}, since all their clips are in the test fold: {', '.join(unseen)}"
    if untested := sorted(learnt - asked):
        yield f"{NOT_TESTED}: {', '.join(untested)}"


def _told_of_validation(labels: list[list[str]], aside: np.ndarray) -> str:
    without = ", ".join(sorted({*chain(*labels)} - {*chain(*compress(labels, aside))}))
    told = f"{int(aside.sum())} of the {len(labels)} training clips set aside for validation"
    return f"{told}, none of {without}" if without else told


def _chosen(folds: list[str], fold: str | None, leave_out: str | None) -> tuple[str, str | None]:
    listed = f"There are: {', '.join(folds) or 'none'}"
    if leave_out is not None and (leave_out := str(leave_out)) not in folds:
        raise DatasetError(f"there is no fold {leave_out!r} to exclude in this data set", listed)
    if fold is None:
        there = [part for part in ("test", "val", *folds) if part in folds and part not in ("train", leave_out)]
        fold = there[0] if there else "train"
    if (fold := str(fold)) not in folds:
        listed += ". Part several with blanks" if "," in fold else ""
        raise DatasetError(f"there is no fold {fold!r} in this data set", listed)
    if fold == leave_out:
        raise DatasetError(
            f"fold {fold} cannot be both the test fold and the excluded fold", "Exclude another fold, or none"
        )
    return fold, leave_out


def _check_classes(table: pd.DataFrame, excluded: Sequence[str]) -> None:
    """Refuse to exclude a class that there is not, which is probably mistyped."""
    there = {*chain(*labels_by_clip(table, [*table["label"], *own_labels(table)]))} - {""}
    known = {shown(label) for label in there} if excluded else set()
    for name in excluded:
        if shown(name) not in known:
            listed = ", ".join(natural_order(known))
            raise DatasetError(f"there is no class {shown(name)!r} to exclude in this data set", f"There are: {listed}")


def _set_aside(
    labels: list[list[str]],
    group: np.ndarray,
    share: float,
    remedy: str = "Set data.validation_share to 0, or add clips of other recordings",
) -> np.ndarray:
    """Which of the training clips are for validation: (clips,) bool. Whole groups; no class loses its last clip.

    Args:
        labels: of each clip, one or several; about as much of each class is set aside.
        remedy: where no recording can be.
    """
    total = Counter(chain(*labels))
    wanted = {name: max(1.0, share * n) for name, n in total.items()}
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for names, of in zip(labels, group, strict=True):
        members[of].update(names)
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
        if taken[name]:
            continue
        # a class of few and large recordings gives its smallest one, at most half of its clips
        for of in sorted((of for of in order if members[of][name]), key=lambda of: members[of].total()):
            if not taken[name] and members[of][name] <= total[name] / 2:
                try_group(of, nearer=False)
    if not chosen:
        raise DatasetError(
            "no recording can be set aside for validation: each class has only one",
            remedy,
        )
    return _among(group, chosen)


def _check(
    learnt: list[list[str]], fold: str, leave_out: str | None, straddling: bool, held_out: bool, excluded: bool
) -> None:
    """Refuse a split that leaves nothing to hold out, or nothing or one class only to train on."""
    without = f" and fold {leave_out} is excluded" if leave_out is not None else ""
    if not held_out and excluded:
        raise DatasetError(
            f"nothing is left of fold {fold}: its clips are of excluded classes", "Exclude fewer classes"
        )
    if not held_out:
        raise DatasetError(
            f"nothing is left of fold {fold}: all its clips come from recordings of fold {leave_out}, which is excluded",
            "Exclude another fold",
        )
    if not len(learnt):
        because = "every other clip comes from a recording of that fold" if straddling else "it holds all clips"
        if leave_out is not None:
            because = "there are no other clips"
        raise DatasetError(
            f"nothing is left for training when fold {fold} is the test fold{without}: {because}",
            "Choose another test fold, or add clips of other recordings",
        )
    classes = {*chain(*learnt)}
    if not classes or (len(classes) < 2 and all(learnt)):
        left = f"only one class, {min(classes)!r}, is left" if classes else "no clip with a label is left"
        raise DatasetError(
            f"{left} for training when fold {fold} is the test fold",
            "Choose another test fold, or add clips of other classes",
        )
