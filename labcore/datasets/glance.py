"""A data set at a glance, remembered until its folder or list changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from labcore.allowed_paths import allowed_paths, check_root
from labcore.datasets.annotations import file_of
from labcore.datasets.caches import memory_of
from labcore.datasets.class_folders import class_folders_of
from labcore.datasets.corrections import corrected
from labcore.datasets.headers import left_out, skipped
from labcore.datasets.known_tables import read_through
from labcore.datasets.listfiles import JSON_LINES, PARQUET
from labcore.datasets.names import entries_of, no_reference, place_at, places_of
from labcore.datasets.scan import is_audio, is_folder, listed
from labcore.datasets.table import Dataset
from labcore.datasets.timed.dataset import LAYOUT, NoEventYetError
from labcore.datasets.timed.edits import edits_of
from labcore.datasets.timed.edits import file_of as events_file
from labcore.datasets.timed.formats import SUFFIXES
from labcore.datasets.walk import TooMuchError, WalkBudget
from labcore.errors import DatasetError, LabError, WorkspaceError
from labcore.reading import read_object
from labcore.texts import as_bytes
from labcore.workspace import Workspace, stamp_of, write_atomically

FORMAT = 5
"""Of what is remembered of a data set; raised where the same files would be read in another way."""
LISTS = (*SUFFIXES, *JSON_LINES, *PARQUET)
"""Endings of the files whose contents say what the clips are."""
MOST_ELSEWHERE = 1000
"""So many of the folders of clips that lie elsewhere are looked at."""
_too_many: dict[tuple[Path, int], TooMuchError] = {}
"""What was given up, by path and time of change: a list that is drawn again and again must not walk through a disk each time."""


@dataclass(frozen=True)
class DatasetInfo:
    """A data set at a glance, with its labels as they are corrected by now.

    Attributes:
        clips: those that count; ``left_out`` are the others.
        error: in full sentences, why it cannot be read; empty where it can.
        warnings: what is to be told of how it was read, a sentence each.
        told: those of them that were found when it was added and that reading does not find.
    """

    name: str
    path: str
    layout: str = ""
    clips: int = 0
    classes: int = 0
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    left_out: int = 0


_INFO = TypeAdapter(DatasetInfo)


def list_datasets(workspace: Workspace) -> list[DatasetInfo]:
    """The data sets of a workspace by name, without opening audio; counts are remembered until a folder or list changes, also one of
    the folders elsewhere that a list names clips in.

    One that cannot be read, whatever the reason, is listed with it and hides no other.
    """
    return [_guarded_info(workspace, name, path) for name, path in sorted(places_of(workspace).items())]


def dataset_info(workspace: Workspace, name: str) -> DatasetInfo | None:
    """One of them by its name, without a look at the others; None where there is none of that name."""
    entry = entries_of(workspace).get(name)
    return _guarded_info(workspace, name, place_at(entry)) if entry is not None else None


def _guarded_info(workspace: Workspace, name: str, path: Path | None) -> DatasetInfo:
    """What is known of a data set; whatever goes wrong with it is told of it alone."""
    try:
        if path is None:
            raise DatasetError(*no_reference(workspace.datasets / f"{name}.json"))
        return _info(workspace, name, path)
    except NoEventYetError as error:
        return DatasetInfo(name, str(path), LAYOUT, error=str(error))
    except LabError as error:
        why = str(error)
    except Exception as error:  # one data set must never hide the others
        why = f"{type(error).__name__}: {error}."
    return DatasetInfo(name, str(path or ""), error=f"Cannot be read: {why}")


def _info(workspace: Workspace, name: str, path: Path) -> DatasetInfo:
    check_root(path)
    try:
        given_up = path, path.stat().st_mtime_ns
        if given_up in _too_many:
            raise _too_many[given_up]
        stamp = _stamp(path, events_file(workspace, name))
    except FileNotFoundError:
        raise DatasetError(f"{path} does not exist", "Mount or restore it") from None
    except TooMuchError as error:
        _too_many[given_up] = error
        raise
    class_folders = class_folders_of(workspace, name)
    trouble: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = read_object(memory_of(workspace, name, path))
        files = known.pop("unreadable")
        trouble = {file: why for file, (why, *seen) in files.items() if seen == list(stamp_of(file))}
        elsewhere = known.pop("elsewhere")
        if (
            (known.pop("stamp"), known.pop("labels"), known.pop("class_folders"))
            == (stamp, _labels(workspace, name), class_folders)
            and len(trouble) == len(files)
            and elsewhere == _changed(elsewhere)
        ):
            return _INFO.validate_python(known)
    dataset = read_through(workspace, path, name, edits=edits_of(workspace, name), class_folders=class_folders)
    return remember(workspace, name, path, dataset, trouble, stamp)


def remember(
    workspace: Workspace, name: str, path: Path, dataset: Dataset, trouble: Mapping[str, str], stamp: str = ""
) -> DatasetInfo:
    """A data set at a glance, kept until its stamp or its annotations change.

    Args:
        dataset: with the labels that it gives its clips itself.
        trouble: files whose headers cannot be read, each with why; told before its own warnings until they are other files, or no clip
            of theirs counts.
    """
    labels = _labels(workspace, name)
    dataset = _as_corrected(workspace, name, dataset)
    told = [finding.sentence for finding in skipped(dataset, trouble)]
    findings = [*left_out(dataset.problems), *(each for each in dataset.findings if each.level == "warning")]
    warnings = [*told, *(finding.sentence for finding in findings)]
    without = int((dataset.table["label"] == "").sum())
    clips = len(dataset) - without
    info = DatasetInfo(name, str(path), dataset.layout, clips, len(dataset.labels), "", warnings, told, without)
    remembered = memory_of(workspace, name, path)
    facts = {
        "stamp": stamp or _stamp(path, events_file(workspace, name)),
        "labels": labels,
        "class_folders": class_folders_of(workspace, name),
        "unreadable": {file: [why, *stamp_of(file)] for file, why in trouble.items()},
        "elsewhere": _changed(_elsewhere(path, dataset)),
    }
    with contextlib.suppress(WorkspaceError, OSError):  # then it is read anew the next time
        remembered.parent.mkdir(exist_ok=True)
        write_atomically(remembered, json.dumps(asdict(info) | facts))
    return info


def _elsewhere(path: Path, dataset: Dataset) -> list[str]:
    """The folders of clips that do not lie in that of the data set: of a list's clips all of them."""
    inside = f"{path}{os.sep}"
    folders = {os.path.dirname(clip) for clip in dataset.table["path"]}  # noqa: PTH120 (called for every clip)
    return sorted(folder for folder in folders if not f"{folder}{os.sep}".startswith(inside))[:MOST_ELSEWHERE]


def _changed(folders: Iterable[str]) -> dict[str, list[int]]:
    """Changes when a file is added to one of some folders or goes from it, or when one of them is not there."""
    return {folder: list(stamp_of(folder)) for folder in folders}


def _labels(workspace: Workspace, name: str) -> list[int]:
    """Changes when somebody corrects a label or mends a finding."""
    return list(stamp_of(file_of(workspace, name)))


def _as_corrected(workspace: Workspace, name: str, dataset: Dataset) -> Dataset:
    """With the labels that count by now; its own where nobody has changed any, or the annotations cannot be read, which is told where it
    is opened."""
    file = file_of(workspace, name)
    if not file.exists():
        return dataset
    with contextlib.suppress(DatasetError):
        return corrected(replace(dataset, annotations=file))
    return dataset


def _stamp(path: Path, events: Path) -> str:
    """Changes when a file is added, removed or renamed anywhere under a folder, a list is written, or other folders may be opened.

    Args:
        events: the file of what people edited about its events.

    Raises:
        FileNotFoundError: the path is not there.
        TooMuchError: more lies below it than a data set can hold.
    """
    edited = stamp_of(events) if events.exists() else ""
    digest = hashlib.sha256(f"{FORMAT} {path.stat().st_mtime_ns} {allowed_paths()}{edited}".encode())
    level = [path] if path.is_dir() else []
    look = WalkBudget()
    while level:
        below = []
        for folder in level:
            with contextlib.suppress(OSError):
                info = folder.stat()
                if look.is_system(info) or not look.counts((info.st_dev, info.st_ino), again=False):
                    continue
            held = listed(folder)
            folders = [entry for entry in held if is_folder(entry)]
            below += [folder / entry.name for entry in folders]
            inside = set(folders)
            files = [entry for entry in held if entry not in inside]
            others = [entry for entry in files if not is_audio(entry.name)]
            look.saw(folder, len(files), len(files) - len(others))
            for entry in (*folders, *[entry for entry in others if entry.name.lower().endswith(LISTS)]):
                with contextlib.suppress(OSError):
                    digest.update(as_bytes(f"{entry.path} {entry.stat().st_mtime_ns}\n"))
        level = below
    return digest.hexdigest()
