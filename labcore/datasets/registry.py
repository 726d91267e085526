"""The data sets of a workspace: folders in it, and references to folders and CSV files elsewhere."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from labcore.allowed_paths import allowed_paths, check_root, is_open
from labcore.config import RunConfig
from labcore.datasets.cliplist import LIST_SUFFIXES
from labcore.datasets.headers import unreadable_headers
from labcore.datasets.layouts import read_dataset
from labcore.datasets.scan import entries, is_audio, listed
from labcore.datasets.table import Dataset
from labcore.datasets.walk import Look, TooMuchError, looking
from labcore.errors import DatasetError, LabError, WorkspaceError
from labcore.moved import here
from labcore.reading import DamagedError, read_object
from labcore.runs import list_runs
from labcore.texts import as_bytes, shown
from labcore.typed import exists, hint, plain_path, typed_path
from labcore.workspace import Workspace, slug, write_atomically

DEMO = "demo"
RENAMED = "renamed.json"
"""The file of a workspace that tells which data set had which name before."""
FORMAT = 2
"""Of what is remembered of a data set; raised where the same files would be read in another way."""

_too_much: dict[tuple[Path, int], TooMuchError] = {}
"""What was given up, by path and time of change: a list that is drawn again and again must not walk through a disk each time."""


@dataclass(frozen=True)
class DatasetInfo:
    """A data set at a glance. ``error`` says, in full sentences, why it cannot be read; empty where it can. ``warnings`` are what is to be
    told of how it was read, a sentence each."""

    name: str
    path: str
    layout: str = ""
    clips: int = 0
    classes: int = 0
    error: str = ""
    warnings: list[str] = field(default_factory=list)


def list_datasets(workspace: Workspace) -> list[DatasetInfo]:
    """The data sets of a workspace by name, without opening audio; counts are remembered until a folder or list changes.

    One that cannot be read, whatever the reason, is listed with it and hides no other.
    """
    return [_guarded_info(workspace, name, path) for name, path in sorted(places_of(workspace).items())]


def find_dataset(workspace: Workspace, name_or_path: str | Path) -> Dataset:
    """A data set by its name in the workspace, or by the path of its folder or CSV file.

    Raises:
        DatasetError: there is none, or it cannot be read.
        WorkspaceError: it lies where this lab opens nothing for visitors, also one that is known by a name.
    """
    asked = str(name_or_path)
    places = places_of(workspace)
    name = called_now(workspace, asked, places)
    if name in places:
        known = places[name]
        if known is None:
            raise DatasetError(*_no_reference(workspace.datasets / f"{name}.json"))
        path = here(workspace, known)
        check_root(path)
        if not os.path.lexists(path):
            raise DatasetError(
                f"the data set {name!r} lies at {path}, which does not exist",
                f"Mount or restore it, or delete its entry: `labcore datasets remove {name}`",
            )
        return read_dataset(path, name)
    plain = plain_path(asked)
    is_path = os.path.basename(plain) != plain  # noqa: PTH119 (and no mistyped name)
    path = here(workspace, typed_path(asked))
    if is_path:
        check_root(path)
    if asked.strip() and exists(path):
        check_root(path)
        return read_dataset(path)
    if asked == DEMO:
        raise DatasetError("the demo data set has not been generated yet", "Generate it with `labcore datasets demo`")
    if is_path:
        raise DatasetError(f"there is no data set at {shown(plain)}", hint(plain))
    raise no_such_set(name, places)


def no_such_set(name: str, places: Collection[str]) -> DatasetError:
    """The error for people where a name is that of no data set."""
    near = difflib.get_close_matches(name, places, 1)
    there = f"Did you mean {near[0]!r}? " if near else ""
    there += f"There are: {', '.join(sorted(places))}" if places else "Generate one with `labcore datasets demo`"
    return DatasetError(f"there is no data set {name!r}, neither in the workspace nor as a path", there)


def place_of(workspace: Workspace, name_or_path: str) -> Path:
    """Where a data set lies, or would lie, of that name or path. Reads nothing of it, and says nothing about whether it is there."""
    places = places_of(workspace)
    return here(workspace, places.get(called_now(workspace, name_or_path, places)) or typed_path(name_or_path))


def with_whole_paths(workspace: Workspace, config: RunConfig) -> RunConfig:
    """A configuration whose paths lead to the same files from every folder: those of processes elsewhere, and of a later resume.

    Names of data sets and ids of runs stay names, and so does a path that leads nowhere.
    """
    named = {
        "data.dataset": {*places_of(workspace), *names_before(workspace)},
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
    workspace: Workspace, path: str | Path, name: str = "", progress: Callable[[int, int], None] | None = None
) -> DatasetInfo:
    """Remember a folder or CSV file as a data set of the workspace. Nothing is copied.

    The header of every file is read, so that what is no audio is told now and not when a training meets it.

    Args:
        path: as it was typed: see :func:`labcore.typed.typed_path`.
        progress: called with (files seen, 0) while folders are looked through, then with (headers read, files). What it raises ends
            the work, and nothing is remembered.

    Returns:
        The data set; its warnings begin with the files that cannot be read.

    Raises:
        DatasetError: it cannot be read as a data set, not one file is audio, or the name is taken by another one.
        WorkspaceError: it lies where this lab opens nothing for visitors.
    """
    if not plain_path(str(path)):
        raise DatasetError("no folder or file was given", "Give its path")
    path = Path(os.path.abspath(typed_path(path)))  # noqa: PTH100 (tidies "..", keeps links)
    check_root(path)
    name = slug(name or (path.stem if path.is_file() else path.name))
    require_free(workspace, name, path)
    with looking(progress):
        dataset = read_dataset(path)
    told = [finding.sentence for finding in unreadable_headers(dataset, progress)]
    if places_of(workspace).get(name) is None:
        write_atomically(workspace.datasets / f"{name}.json", json.dumps({"path": str(path)}, indent=2))
    return _remember(workspace, name, path, replace(dataset, name=name), told)


def require_free(workspace: Workspace, name: str, path: Path | None) -> None:
    """Refuse a name that another data set than that at a path has, or had before it was renamed.

    Raises:
        DatasetError: it has.
    """
    taken = places_of(workspace).get(name)
    if taken is not None and taken != path:
        raise DatasetError(f"the name {name!r} is used by the data set at {taken}", "Choose another name")
    now = names_before(workspace).get(name)
    if taken is None and now in places_of(workspace):
        raise DatasetError(
            f"the name {name!r} was that of {now!r}, and runs refer to it by that name", "Choose another name"
        )


def places_of(workspace: Workspace) -> dict[str, Path | None]:
    """Name → folder or file of all data sets, readable or not; None for a reference that names none."""
    return {
        name: _referred(entry) if entry.suffix == ".json" and not entry.is_dir() else entry
        for name, entry in entries_of(workspace).items()
    }


def entries_of(workspace: Workspace) -> dict[str, Path]:
    """Name → the folder, list or reference in the workspace that makes it a data set.

    A name is a proper text, also where that of the folder is not UTF-8. A folder goes before a file of its name.
    """
    found: dict[str, Path] = {}
    for entry in entries(workspace.datasets):
        path = workspace.datasets / entry.name
        name, stem = shown(entry.name), shown(path.stem)
        is_list = path.suffix == ".json" or path.suffix.lower() in LIST_SUFFIXES
        if os.path.isdir(path) or (entry.is_symlink() and not is_list and not is_open(path)):  # noqa: PTH112
            found[name] = (
                path  # a link that leads where nothing may be opened is told, whether anything is there or not
            )
        elif is_list:
            found.setdefault(stem, path)
    return found


def called_now(workspace: Workspace, asked: str, places: Collection[str] | None = None) -> str:
    """The name of a data set by now, also where it was renamed since; what is no such name stays as it is.

    Args:
        places: the names there are, where they are known already.
    """
    places = places_of(workspace) if places is None else places
    for name in (shown(asked), shown(plain_path(asked))):
        if name in places:
            return name
        before = names_before(workspace)
        if before.get(name) in places:
            return before[name]
    return shown(asked)


def names_before(workspace: Workspace) -> dict[str, str]:
    """The names that data sets had before they were renamed, each with the present one."""
    with contextlib.suppress(OSError, DamagedError):
        known = read_object(workspace.home / RENAMED)
        return {old: new for old, new in known.items() if isinstance(new, str)}
    return {}


def _referred(reference: Path) -> Path | None:
    try:
        path = read_object(reference).get("path")
    except (OSError, DamagedError):
        return None
    return Path(path) if isinstance(path, str) and path and "\0" not in path else None


def _no_reference(path: Path) -> tuple[str, str]:
    return f"{path} does not contain the folder of a data set", "Delete it, or add the data set again"


def _guarded_info(workspace: Workspace, name: str, path: Path | None) -> DatasetInfo:
    """What is known of a data set; whatever goes wrong with it is told of it alone."""
    try:
        if path is None:
            raise DatasetError(*_no_reference(workspace.datasets / f"{name}.json"))
        return _info(workspace, name, path)
    except LabError as error:
        why = str(error)
    except Exception as error:  # one data set must never hide the others
        why = f"{type(error).__name__}: {error}."
    return DatasetInfo(name, str(path or ""), error=f"Cannot be read: {why}")


def _info(workspace: Workspace, name: str, path: Path) -> DatasetInfo:
    check_root(path)
    try:
        given_up = path, path.stat().st_mtime_ns
        if given_up in _too_much:
            raise _too_much[given_up]
        stamp = _stamp(path)
    except FileNotFoundError:
        raise DatasetError(f"{path} does not exist", "Mount or restore it") from None
    except TooMuchError as error:
        _too_much[given_up] = error
        raise
    remembered = memory_of(workspace, name, path)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = read_object(remembered)
        if known.pop("stamp") == stamp:
            return _info_adapter().validate_python(known)
    return _remember(workspace, name, path, read_dataset(path, name), [], stamp)


@functools.cache
def _info_adapter() -> TypeAdapter[DatasetInfo]:
    return TypeAdapter(DatasetInfo)


def memory_of(workspace: Workspace, name: str, path: Path) -> Path:
    """The file that remembers a data set at a glance."""
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:8]
    return workspace.cache / "datasets" / f"{slug(name)}-{key}.json"


def _remember(
    workspace: Workspace, name: str, path: Path, dataset: Dataset, told: list[str], stamp: str = ""
) -> DatasetInfo:
    """A data set at a glance, kept until its stamp changes. ``told`` goes before its own warnings."""
    warnings = [*told, *(finding.sentence for finding in dataset.findings if finding.level == "warning")]
    info = DatasetInfo(name, str(path), dataset.layout, len(dataset.table), len(dataset.labels), warnings=warnings)
    remembered = memory_of(workspace, name, path)
    content = json.dumps({**asdict(info), "stamp": stamp or _stamp(path)})
    with contextlib.suppress(WorkspaceError, OSError):  # then it is read anew the next time
        remembered.parent.mkdir(exist_ok=True)
        write_atomically(remembered, content)
    return info


def _stamp(path: Path) -> str:
    """Changes when a file is added, removed or renamed anywhere under a folder, a list is written, or other folders may be opened.

    Raises:
        FileNotFoundError: the path is not there.
        TooMuchError: more lies below it than a data set can hold.
    """
    digest = hashlib.sha256(f"{FORMAT} {path.stat().st_mtime_ns} {allowed_paths()}".encode())
    level = [path] if path.is_dir() else []
    look = Look()
    while level:
        below = []
        for folder in level:
            with contextlib.suppress(OSError):
                info = folder.stat()
                if look.is_system(info) or not look.counts((info.st_dev, info.st_ino), again=False):
                    continue
            held = listed(folder)
            folders = [entry for entry in held if entry.is_dir(follow_symlinks=False)]
            below += [folder / entry.name for entry in folders]
            names = {entry.name for entry in held}.difference(entry.name for entry in folders)
            look.saw(folder, len(names), sum(map(is_audio, names)))
            for entry in (*folders, *(entry for entry in held if entry.name.lower().endswith(LIST_SUFFIXES))):
                with contextlib.suppress(OSError):
                    digest.update(as_bytes(f"{entry.path} {entry.stat().st_mtime_ns}\n"))
        level = below
    return digest.hexdigest()
