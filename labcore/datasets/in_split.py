"""A data set in a named split of it: where each of its clips is, its table with these folds, and the split that a run keeps."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote

import pandas as pd
from pydantic import ValidationError

from labcore.config import DataConfig
from labcore.datasets.leaks import require_no_leak
from labcore.datasets.named_splits import LIST, NamedSplit, SplitClip, clip_keys, split_named
from labcore.datasets.registry import find_dataset
from labcore.datasets.table import Dataset, some
from labcore.errors import DatasetError
from labcore.jobs.folder import JobFolder
from labcore.texts import counted
from labcore.workspace import Workspace

FILE = "split"
"""The JSON file in a run's folder that holds the split it began with."""


def in_split(dataset: Dataset, split: NamedSplit) -> Dataset:
    """A data set with the folds and groups of a split in place of its own.

    Raises:
        DatasetError: clips of it are not in the split.
    """
    found = places_in(dataset, split)
    missing = [way for (way, _), each in zip(clip_keys(dataset), found, strict=True) if each is None]
    if missing and split.by != LIST:
        raise DatasetError(
            f"{counted(len(missing), 'clip')} of {dataset.name} are not in the split {split.split!r}, as {some(missing, 3)}",
            f"Draw another one: `labcore datasets split {quote(dataset.name)} --by {split.by or 'source'} --as NAME`",
        )
    return _with_places(dataset, split, found)


def _with_places(dataset: Dataset, split: NamedSplit, found: list[SplitClip | None]) -> Dataset:
    """The clips of a data set that are in a split, with its folds and groups."""
    rows = [row for row, each in enumerate(found) if each is not None]
    if not rows:
        raise DatasetError(f"none of the clips of {dataset.name} is in the split {split.split!r}", "Draw another one")
    table = dataset.table.iloc[rows].reset_index(drop=True)
    there = [each for each in found if each is not None]
    folds, groups = ([getattr(each, name) for each in there] for name in ("fold", "group"))
    table = table.assign(fold=pd.Series(folds, dtype=object), group=pd.Series(groups, dtype=object))
    return replace(dataset, table=table, fold_note=split.note)


def dataset_for(workspace: Workspace, data: DataConfig) -> Dataset:
    """The data set that a configuration asks for, with its labels as they are by now, and the folds of the split that is asked for.

    Args:
        data: ``config.cutting`` of a run.

    Raises:
        DatasetError: it is not there, cannot be read, has no such split, or the split leaks by what is known now.
    """
    dataset = find_dataset(workspace, data.dataset, data)
    if data.named_split is None:
        return dataset
    return _checked(dataset, split_named(workspace, data.dataset, data.named_split))


def places_in(dataset: Dataset, split: NamedSplit) -> list[SplitClip | None]:
    """Where each clip of a data set is in a split; None for one that is not in it.

    Where annotations are cut into other windows than when the split was made, a window is where its recording is.
    """
    known, keys = split.folds, clip_keys(dataset)
    whole: dict[str, SplitClip | None] = {}
    if dataset.annotated is not None:
        for clip in split.clips:
            before = whole.setdefault(clip.clip, clip)
            whole[clip.clip] = before if before and before.fold == clip.fold else None  # None: parted by time
    return [known.get(key) or whole.get(key[0]) for key in keys]


def _checked(dataset: Dataset, split: NamedSplit) -> Dataset:
    found = places_in(dataset, split)
    used = [each.fold if each and label else "" for each, label in zip(found, dataset.table["label"], strict=True)]
    require_no_leak(dataset, used, [each.group if each else "" for each in found], split.split)
    return in_split(dataset, split)


# --- in a run


def pin_split(run: JobFolder, workspace: Workspace, data: DataConfig) -> None:
    """Keep in a run the split that it asks for, where it has not begun yet: it goes on with it, whatever becomes of the split.

    Raises:
        DatasetError: there is no such split, or it leaks.
        WorkspaceError: the disk is full or the run is gone.
    """
    if data.named_split is not None and not (run.path / f"{FILE}.json").exists():
        split = split_named(workspace, data.dataset, data.named_split)
        _checked(find_dataset(workspace, data.dataset, data), split)
        run.save(FILE, split.model_dump())


def split_of(run: JobFolder) -> NamedSplit | None:
    """The split that a run began with; None where it took the folds of the data set."""
    known = run.load(FILE)
    try:
        return None if known is None else NamedSplit.model_validate(known)
    except ValidationError:
        return None


def in_split_of(run: JobFolder, dataset: Dataset) -> Dataset:
    """A data set with the folds that a run began with. Clips that came later are left out: the run knows nothing of them.

    Raises:
        DatasetError: none of its clips is in the split.
    """
    split = split_of(run)
    return dataset if split is None else _with_places(dataset, split, places_in(dataset, split))
