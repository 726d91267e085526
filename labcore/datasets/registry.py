"""The data sets of a workspace: folders in it, and references to folders and CSV files elsewhere."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from shlex import quote

from labcore.allowed_paths import check_root
from labcore.config import DataConfig, RunConfig
from labcore.datasets.annotations import file_of
from labcore.datasets.class_folders import OUTER, ClassFolders, class_folders_of, keep_class_folders
from labcore.datasets.corrections import corrected
from labcore.datasets.glance import DatasetInfo, dataset_info, remember
from labcore.datasets.headers import unreadable_headers
from labcore.datasets.known_tables import read_through
from labcore.datasets.layouts import read_uncut
from labcore.datasets.names import (
    called_now,
    entries_of,
    names_before,
    no_reference,
    no_such_set,
    place_at,
    place_named,
    places_of,
    require_free,
)
from labcore.datasets.several import with_one_label
from labcore.datasets.table import Dataset
from labcore.datasets.timed.dataset import LAYOUT, UnlabelledError
from labcore.datasets.timed.edits import NO_EDITS, EventEdits, begin, edits_of
from labcore.datasets.timed.edits import file_of as events_file
from labcore.datasets.walk import looking
from labcore.errors import DatasetError
from labcore.jobs.following import OnProgress
from labcore.runs import list_runs
from labcore.runs.moved import here
from labcore.texts import shown
from labcore.typed import exists, hint, plain_path, typed_path
from labcore.workspace import Workspace, folded, folds_case, slug, write_atomically

DEMO = "demo"


def find_dataset(workspace: Workspace, name_or_path: str | Path, data: DataConfig | None = None) -> Dataset:
    """A data set by its name in the workspace, or by the path of its folder or CSV file, with its labels as they are corrected by now.

    Args:
        data: how clips are cut by time-stamped annotations, and which of several labels count: ``config.cutting`` of a run; None for
            the defaults.

    Raises:
        DatasetError: there is none, or it or its annotations cannot be read.
        WorkspaceError: it lies where this lab opens nothing for visitors, also one that is known by a name.
    """
    return corrected(find_uncorrected(workspace, name_or_path, data))


def find_uncorrected(
    workspace: Workspace,
    name_or_path: str | Path,
    data: DataConfig | None = None,
    edits: EventEdits | None = None,
    class_folders: ClassFolders | None = None,
) -> Dataset:
    """The same with the labels that it gives its clips itself.

    Args:
        edits: what people changed about its time-stamped annotations; None for that by now.
        class_folders: which of two levels of folders are its classes; None for those by now.

    Raises:
        DatasetError, WorkspaceError: as for :func:`find_dataset`.
    """
    path, name, called = _located(workspace, name_or_path)
    if edits is None:
        edits = edits_of(workspace, name) if name else NO_EDITS
    which = class_folders or class_folders_of(workspace, name)
    dataset = read_through(workspace, path, called, data, edits, which)
    dataset = replace(dataset, annotations=file_of(workspace, name) if name else None)
    return dataset if data is None else with_one_label(dataset, data.labels)


def find_uncut(workspace: Workspace, name_or_path: str | Path) -> Dataset:
    """A data set before clips are cut by time-stamped annotations, with what people changed about these.

    Raises:
        DatasetError, WorkspaceError: as for :func:`find_dataset`; it has no such annotations.
    """
    path, name, called = _located(workspace, name_or_path)
    edits = edits_of(workspace, name) if name else NO_EDITS
    dataset = read_uncut(path, called, edits, class_folders_of(workspace, name))
    if dataset.annotated is None:
        raise not_annotated(dataset)
    return dataset


def not_annotated(dataset: Dataset) -> DatasetError:
    """The error for people where annotations are wanted of a data set that has none."""
    remedy = "Look at it with `labcore datasets check`"
    if dataset.layout == "csv" and dataset.table["end_s"].notna().any():
        remedy = (
            "It is a list of clips, each from its start to its end. For windows and background of the whole recordings save it with tabs "
            "and the columns filename, onset, offset and event_label"
        )
    return DatasetError(f"the data set {dataset.name} has no time-stamped annotations", remedy)


def _located(workspace: Workspace, name_or_path: str | Path) -> tuple[Path, str, str]:
    """Where a data set lies, its name in the workspace, "" for none, and what it is called: "" by its path, where that was asked for."""
    asked = str(name_or_path)
    entries = entries_of(workspace)
    name = called_now(workspace, asked, entries)
    if name in entries:
        known = place_at(entries[name])
        if known is None:
            raise DatasetError(*no_reference(workspace.datasets / f"{name}.json"))
        path = here(workspace, known)
        check_root(path)
        if not os.path.lexists(path):
            raise DatasetError(
                f"the data set {name!r} lies at {path}, which does not exist",
                f"Mount or restore it, or delete its entry: `labcore datasets remove {quote(name)}`",
            )
        return path, name, name
    plain = plain_path(asked)
    is_path = os.path.basename(plain) != plain  # noqa: PTH119 (and no mistyped name)
    path = here(workspace, typed_path(asked))
    there = bool(asked.strip()) and exists(path)
    if is_path or there:
        check_root(path)
    if there:
        return path, name_at(workspace, path), ""
    if asked == DEMO:
        raise DatasetError("the demo data set has not been generated yet", "Generate it with `labcore datasets demo`")
    if is_path:
        raise DatasetError(f"there is no data set at {shown(plain)}", hint(plain))
    raise no_such_set(name, entries)


def name_at(workspace: Workspace, path: Path) -> str:
    """The name in the workspace of the data set at a path; of several the one that was annotated, else the first. "" for none."""
    whole = os.path.abspath(path)  # noqa: PTH100 (tidies "..", keeps links)
    spelled = folded if folds_case(workspace.datasets) else str
    names = [
        name
        for name, place in sorted(places_of(workspace).items())
        if place and spelled(str(here(workspace, place))) == spelled(whole)
    ]
    annotated = (name for name in names if file_of(workspace, name).exists() or events_file(workspace, name).exists())
    return next(annotated, names[0] if names else "")


def name_of(workspace: Workspace, name_or_path: str) -> str:
    """The name in the workspace of a data set that is known by a name or a path: what its annotations go by.

    Raises:
        DatasetError: it is not one of the workspace.
    """
    entries = entries_of(workspace)
    name = called_now(workspace, name_or_path, entries)
    if name in entries:
        return name
    path = here(workspace, typed_path(name_or_path))
    known_as = name_at(workspace, path)
    if not known_as and exists(path):
        raise DatasetError(
            f"the data set at {path} is not in the workspace, where annotations are kept",
            f"Add it: `labcore datasets import {quote(str(path))}`",
        )
    if not known_as:
        raise no_such_set(name, entries)
    return known_as


def known_by(workspace: Workspace, name_or_path: str) -> str:
    """The name of the data set of the workspace that lies at a path, or is called so where nothing lies there; "" for none."""
    name = called_now(workspace, name_or_path, entries := entries_of(workspace))
    if name in entries and not exists(plain_path(name_or_path)):
        return name
    return name_at(workspace, here(workspace, typed_path(name_or_path)))


def place_of(workspace: Workspace, name_or_path: str) -> Path:
    """Where a data set lies, or would lie, of that name or path. Reads nothing of it, and says nothing about whether it is there."""
    known = place_named(workspace, called_now(workspace, name_or_path))
    return here(workspace, known or typed_path(name_or_path))


def with_whole_paths(workspace: Workspace, config: RunConfig) -> RunConfig:
    """A configuration whose paths lead to the same files from every folder: those of processes elsewhere, and of a later resume.

    Names of data sets and ids of runs stay names, and so does a path that leads nowhere.
    """
    named = {
        "data.dataset": {*entries_of(workspace), *names_before(workspace)},
        "augment.noise_file": (),
        "model.pretrained": ("none", "published", *(run.id for run in list_runs(workspace))),
    }
    changes = {}
    for setting, names in named.items():
        value = config.value(setting)
        if value and value not in names and exists(path := typed_path(value)):
            changes[setting] = str(path.absolute())
    return config.replace(changes)


def register(
    workspace: Workspace,
    path: str | Path,
    name: str = "",
    progress: OnProgress = lambda done, total: None,
    *,
    class_folders: ClassFolders | None = None,
    who: str = "",
) -> DatasetInfo:
    """Remember a folder or CSV file as a data set of the workspace. Nothing is copied.

    The header of every file is read, so that what is no audio is told now and not when a training meets it.

    Args:
        path: as it was typed: see :func:`labcore.typed.typed_path`.
        progress: called with (files seen, 0) while folders are looked through, then with (headers read, files). What it raises ends
            the work, and nothing is remembered.
        class_folders: which of two levels of folders are the classes; None for the outer ones, or as it is for one that is there.
        who: says so.

    Returns:
        The data set; its warnings begin with the files that cannot be read.

    Raises:
        DatasetError: it cannot be read as a data set, not one file is audio, or the name is taken by another one.
        WorkspaceError: it lies where this lab opens nothing for visitors.
    """
    path, name = _to_add(workspace, path, name)
    with looking(progress):
        which = class_folders or (class_folders_of(workspace, name) if name in entries_of(workspace) else OUTER)
        dataset = read_through(workspace, path, class_folders=which)
    trouble = unreadable_headers(dataset, progress)
    keep_class_folders(workspace, name, which, who)  # before the reference: a data set is not there without it
    _refer(workspace, name, path)
    return remember(workspace, name, path, replace(dataset, name=name), trouble)


def read_by(workspace: Workspace, wanted: str, class_folders: ClassFolders, who: str = "") -> DatasetInfo:
    """Have a data set of the workspace be read by its inner or outer folders as the classes from now on.

    Args:
        wanted: its name, or its path.
        who: says so.

    Returns:
        The data set, read so.

    Raises:
        DatasetError: there is none, or it cannot be read so. It stays as it was.
        WorkspaceError: the workspace cannot be written.
    """
    path, name, _ = _located(workspace, name_of(workspace, wanted))
    read_through(workspace, path, name, edits=edits_of(workspace, name), class_folders=class_folders)
    keep_class_folders(workspace, name, class_folders, who)
    info = dataset_info(workspace, name)
    return info or DatasetInfo(name, str(path))  # somebody removes it at this moment


def register_unlabelled(workspace: Workspace, path: str | Path, name: str = "", *, who: str = "") -> DatasetInfo:
    """Remember a folder of recordings that nothing is said of as a data set whose events people label. Nothing is copied.

    Args:
        path: as it was typed: see :func:`labcore.typed.typed_path`.
        who: begins it.

    Returns:
        The data set, which has no clips before its first event is labelled.

    Raises:
        DatasetError: there are no recordings, something says what they are, or the name is taken by another one.
        WorkspaceError: it lies where this lab opens nothing for visitors, or the workspace cannot be written.
    """
    path, name = _to_add(workspace, path, name)
    try:
        read_uncut(path)
    except UnlabelledError:
        keep_class_folders(workspace, name, OUTER, who)
        begin(workspace, name, who)  # before the reference: a data set is not there without it
        _refer(workspace, name, path)
        return DatasetInfo(name, str(path), LAYOUT)
    raise DatasetError(f"{path} has labels already", "Add it as it is")


def _to_add(workspace: Workspace, path: str | Path, name: str) -> tuple[Path, str]:
    """The whole path of a data set that is added, and a name that is free for it."""
    if not plain_path(str(path)):
        raise DatasetError("no folder or file was given", "Give its path")
    path = Path(os.path.abspath(typed_path(path)))  # noqa: PTH100 (tidies "..", keeps links)
    check_root(path)
    name = slug(name or (path.stem if path.is_file() else path.name))
    require_free(workspace, name, path)
    return path, name


def _refer(workspace: Workspace, name: str, path: Path) -> None:
    if place_named(workspace, name) is None:
        write_atomically(workspace.datasets / f"{name}.json", json.dumps({"path": str(path)}, indent=2))
