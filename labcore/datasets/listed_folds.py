"""Folds that a list names: a table with the columns path and fold, for clips of a data set."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from labcore.datasets.cliplist import read_list, value_of
from labcore.datasets.drawing import GroupedFolds, brought_together
from labcore.datasets.grouping import SOURCE, group_by
from labcore.datasets.named_splits import clip_keys
from labcore.datasets.parts import tidy_fold
from labcore.datasets.table import Dataset, some
from labcore.errors import DatasetError
from labcore.texts import counted
from labcore.typed import hint, typed_path


def grouped_list(dataset: Dataset, file: str | Path, *, together: bool) -> GroupedFolds:
    """The folds of a list, with the groups that the data set itself tells.

    Args:
        together: move what belongs together to the fold in which most of it is.

    Raises:
        DatasetError: as for :func:`folds_listed`.
    """
    grouping, folds, notes = group_by(dataset, SOURCE), folds_listed(dataset, file), list[str]()
    if together:
        listed, folds = folds, brought_together(dataset, grouping, folds)
        moved = sum(one != other for one, other in zip(listed, folds, strict=True))
        notes.append(f"{counted(moved, 'clip')} moved to the fold of what they belong together with")
    if without := folds.count(""):
        notes.append(f"{counted(without, 'clip')} are not in the list, and are used for nothing")
    return GroupedFolds(grouping, folds, notes)


def folds_listed(dataset: Dataset, file: str | Path) -> list[str]:
    """The fold of each clip of a data set by a list; "" for one that the list does not name, which is used for nothing.

    Raises:
        DatasetError: the list cannot be read, has no such columns, names a clip twice with several folds, or names none.
    """
    path = typed_path(file)
    if not path.exists():
        raise DatasetError(f"there is no list {path}", hint(path))
    clips = read_list(path.absolute())
    taken = clips.taken
    if not taken.path or not taken.fold:
        raise DatasetError(f"{path.name} has no columns path and fold", "Add a header with these two names")
    ways = [way for way, _ in clip_keys(dataset)]
    rows_of = _rows_by_name(dataset, ways)
    folds, unknown = [""] * len(ways), list[str]()
    for row, line in zip(clips.rows, clips.lines, strict=True):
        cell, fold = row.get(taken.path, ""), tidy_fold(value_of(row, taken.fold))
        rows = rows_of.get(cell.replace("\\", "/").removeprefix("./"), [])
        if not rows or not fold:
            unknown.append(cell or f"line {line}")
        for number in rows if fold else ():
            if folds[number] not in ("", fold):
                raise DatasetError(
                    f"{path.name} puts {cell} into the folds {folds[number]} and {fold}", "Name each clip once"
                )
            folds[number] = fold
    if not any(folds):
        first = f", as {some(unknown, 3)}" if unknown else ""
        raise DatasetError(
            f"{path.name} names no clip of {dataset.name}{first}", "Paths go on from the data set's folder"
        )
    if unknown:
        raise DatasetError(
            f"{counted(len(unknown), 'row')} of {path.name} name no clip of {dataset.name}, or no fold: {some(unknown, 3)}",
            "Mend them, or remove them from the list",
        )
    return folds


def _rows_by_name(dataset: Dataset, ways: list[str]) -> dict[str, list[int]]:
    """What a clip may be called in a list → its rows: the path from the folder on, the whole one, and the name where it is the only one."""
    by_way: dict[str, list[int]] = defaultdict(list)
    by_name: dict[str, set[str]] = defaultdict(set)
    for row, (way, path) in enumerate(zip(ways, dataset.table["path"], strict=True)):
        by_way[way].append(row)
        by_way[path].append(row) if path != way else None
        by_name[way.rpartition("/")[2]].add(way)
    return {name: by_way[next(iter(known))] for name, known in by_name.items() if len(known) == 1} | dict(by_way)
