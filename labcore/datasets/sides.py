"""Who is on which side of a split: classes and groups by fold, and what to know before it is kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from labcore.datasets.several import labels_by_clip
from labcore.datasets.table import PARTS, Dataset, fold_order, some
from labcore.texts import counted, shown

MOSTLY = 0.5
"""A group that has more of a class than this is most of it."""
FEW = 0.05
"""A fold with a smaller share of the clips than this, measured by its even share, tests little."""


@dataclass(frozen=True)
class Side:
    """A group and where it is: ``clips`` by fold, and its classes, the largest first."""

    group: str
    clips: dict[str, int]
    labels: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(self.clips.values())


@dataclass(frozen=True)
class Sides:
    """A split in figures.

    Attributes:
        folds: in their order.
        classes: label → fold → clips, of all classes of the data set. A clip of several labels counts for each.
        totals: fold → clips.
        groups: the largest first.
        unused: clips in no fold.
        warnings: what harms an evaluation, a sentence each without the final stop.
    """

    folds: list[str]
    classes: dict[str, dict[str, int]]
    totals: dict[str, int]
    groups: list[Side]
    unused: int
    warnings: list[str]


def sides_of(dataset: Dataset, folds: Sequence[str], groups: Sequence[str]) -> Sides:
    """Which classes and groups are in which fold.

    Args:
        folds: of each clip; "" for one that is in none.
        groups: what each clip belongs together with.
    """
    labels = labels_by_clip(dataset.table, dataset.table["label"].to_numpy())
    order = fold_order(set(folds) - {""})
    counts = Counter((label, fold) for each, fold in zip(labels, folds, strict=True) for label in each)
    classes = {label: {fold: counts[label, fold] for fold in order} for label in dataset.labels}
    members: dict[str, Counter[str]] = defaultdict(Counter)
    of_class: dict[str, Counter[str]] = defaultdict(Counter)
    for each, fold, group in zip(labels, folds, groups, strict=True):
        if fold and any(each):
            members[group][fold] += 1
            of_class[group].update(each)
    totals = {fold: sum(held[fold] for held in members.values()) for fold in order}
    largest = sorted(members, key=lambda group: (-members[group].total(), group))
    sides = [
        Side(
            group,
            {fold: members[group][fold] for fold in order if members[group][fold]},
            tuple(label for label, _ in of_class[group].most_common()),
        )
        for group in largest
    ]
    warnings = [*_missing(classes, order), *_mostly(classes, of_class), *_small(totals)]
    return Sides(order, classes, totals, sides, sum(not fold for fold in folds), warnings)


def _missing(classes: dict[str, dict[str, int]], folds: list[str]) -> list[str]:
    """Classes that a fold has none of: those are not tested there, or, of the only fold that has them, never learnt."""
    named = "part" if {*folds} <= {*PARTS} else "fold"
    there = {label: sum(count > 0 for count in row.values()) for label, row in classes.items()}
    told = []
    for fold in folds:
        missing = [shown(label) for label, row in classes.items() if not row[fold] and there[label] > 1]
        if missing:
            told.append(f"{named} {fold} has no clip of {some(missing)}")
    alone = [shown(label) for label, many in there.items() if many == 1]
    if alone and len(folds) > 1:
        told.append(f"in one {named} only, so that it cannot be learnt and tested: {some(alone)}")
    return told


def _mostly(classes: dict[str, dict[str, int]], of_class: dict[str, Counter[str]]) -> list[str]:
    """Groups that are most of a class: the fold that has one tests the class on it alone, and the others hardly learn it."""
    totals = {label: sum(row.values()) for label, row in classes.items()}
    told = []
    for group, clips in of_class.items():
        for label, count in clips.items():
            if totals.get(label, 0) and count > MOSTLY * totals[label] and totals[label] > 1:
                share = f"{count} of the {counted(totals[label], 'clip')} of {shown(label)}"
                told.append(f"the group {shown(group)} has {share}")
    more = counted(len(told) - 3, "other class is", "other classes are")
    return told if len(told) <= 3 else [*told[:3], f"{more} mostly of one group"]


def _small(totals: dict[str, int]) -> list[str]:
    even = sum(totals.values()) / max(1, len(totals))
    small = [fold for fold, clips in totals.items() if clips < FEW * even]
    return [f"fold {fold} has {counted(totals[fold], 'clip')} only" for fold in small]
