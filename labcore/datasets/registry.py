"""The data sets of a workspace: folders in it, and references to folders and CSV files elsewhere."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from labcore.config import RunConfig
from labcore.datasets.cliplist import LIST_SUFFIXES
from labcore.datasets.layouts import read_dataset
from labcore.datasets.scan import entries
from labcore.datasets.table import Dataset
from labcore.errors import DatasetError, LabError
from labcore.moved import here
from labcore.roots import check_root
from labcore.runs import list_runs
from labcore.workspace import Workspace, slug, write_atomically

DEMO = "demo"


@dataclass(frozen=True)
class DatasetInfo:
    """A data set at a glance. ``error`` says, in a full sentence, why it cannot be read; empty where it can."""

    name: str
    path: str
    layout: str = ""
    clips: int = 0
    classes: int = 0
    error: str = ""


def list_datasets(workspace: Workspace) -> list[DatasetInfo]:
    """The data sets of a workspace by name, without opening audio; counts are remembered until a folder or list changes."""
    return [_info(workspace, name, path) for name, path in sorted(_places(workspace).items())]


def find_dataset(workspace: Workspace, name_or_path: str | Path) -> Dataset:
    """A data set by its name in the workspace, or by the path of its folder or CSV file.

    Raises:
        DatasetError: there is none, or it cannot be read.
        WorkspaceError: the path lies where this lab opens nothing for visitors.
    """
    asked = str(name_or_path)
    places = _places(workspace)
    if asked in places:
        path = here(workspace, places[asked])
        if not path.exists():
            raise DatasetError(
                f"the data set {asked!r} lies at {path}, which is not there",
                f"Mount or restore it, or remove {workspace.datasets / (asked + '.json')}",
            )
        return read_dataset(path, asked)
    if os.path.basename(asked) != asked:  # noqa: PTH119 (a path, and no mistyped name)
        check_root(asked)
    path = here(workspace, asked)
    with contextlib.suppress(OSError, ValueError):  # too long for a path, or a zero byte in it
        if asked and path.exists():
            check_root(path)
            return read_dataset(path)
    if asked == DEMO:
        raise DatasetError("the demo data set has not been made yet", "Make it with `labcore datasets demo`")
    near = difflib.get_close_matches(asked, places, 1)
    there = f"Did you mean {near[0]!r}? " if near else ""
    there += f"There are: {', '.join(sorted(places))}" if places else "Make one with `labcore datasets demo`"
    raise DatasetError(f"there is no data set {asked!r}, neither in the workspace nor as a path", there)


def place_of(workspace: Workspace, name_or_path: str) -> Path:
    """Where a data set lies, or would lie, of that name or path. Reads nothing of it, and says nothing about whether it is there."""
    return here(workspace, _places(workspace).get(name_or_path, name_or_path))


def with_whole_paths(workspace: Workspace, config: RunConfig) -> RunConfig:
    """A configuration whose paths lead to the same files from every folder: those of processes elsewhere, and of a later resume.

    Names of data sets and ids of runs stay names, and so does a path that leads nowhere.
    """
    named = {
        "data.dataset": _places(workspace),
        "augment.noise_file": (),
        "model.pretrained": ("none", "published", *(run.id for run in list_runs(workspace))),
    }
    changes = {}
    for knob, names in named.items():
        value = config.value(knob)
        with contextlib.suppress(OSError, ValueError):  # too long for a path, or a zero byte in it
            if value and value not in names and (path := Path(value).expanduser()).exists():
                changes[knob] = str(path.absolute())
    return config.changed(changes)


def register(workspace: Workspace, path: str | Path, name: str = "") -> DatasetInfo:
    """Remember a folder or CSV file as a data set of the workspace. Nothing is copied.

    Raises:
        DatasetError: it cannot be read as a data set, or the name is taken by another one.
        WorkspaceError: it lies where this lab opens nothing for visitors.
    """
    if not str(path).strip():
        raise DatasetError("no folder or file was given", "Give its path")
    path = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 (tidies "..", keeps links)
    check_root(path)
    read_dataset(path)
    name = slug(name or (path.stem if path.is_file() else path.name))
    taken = _places(workspace).get(name)
    if taken is not None and taken != path:
        raise DatasetError(f"the name {name!r} is taken by the data set at {taken}", "Choose another name")
    if taken is None:
        write_atomically(workspace.datasets / f"{name}.json", json.dumps({"path": str(path)}, indent=2))
    return _info(workspace, name, path)


def _places(workspace: Workspace) -> dict[str, Path]:
    """Name → folder or file of all data sets, readable or not."""
    places: dict[str, Path] = {}
    for entry in entries(workspace.datasets):
        path = workspace.datasets / entry.name
        if path.is_dir():
            places[entry.name] = path
        elif path.suffix == ".json":
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                places.setdefault(path.stem, Path(json.loads(path.read_text(encoding="utf-8"))["path"]))
        elif path.suffix.lower() in LIST_SUFFIXES:
            places.setdefault(path.stem, path)
    return places


def _info(workspace: Workspace, name: str, path: Path) -> DatasetInfo:
    try:
        stamp = _stamp(path)
    except OSError:
        return DatasetInfo(name, str(path), error=f"{path} is not there.")
    remembered = (
        workspace.cache / "datasets" / f"{slug(name)}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}.json"
    )
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(remembered.read_text(encoding="utf-8"))
        if known.pop("stamp") == stamp:
            return DatasetInfo(**known)
    try:
        dataset = read_dataset(path, name)
    except LabError as error:
        return DatasetInfo(name, str(path), error=str(error))
    info = DatasetInfo(name, str(path), dataset.layout, len(dataset.table), len(dataset.labels))
    remembered.parent.mkdir(exist_ok=True)
    write_atomically(remembered, json.dumps({**asdict(info), "stamp": stamp}))
    return info


def _stamp(path: Path) -> str:
    """Changes when a file is added, removed or renamed anywhere under a folder, or a list is written."""
    digest = hashlib.sha256(f"{path.stat().st_mtime_ns}".encode())
    level = [path] if path.is_dir() else []
    while level:
        below = []
        for folder in level:
            for entry in entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    below.append(folder / entry.name)
                elif not entry.name.lower().endswith(LIST_SUFFIXES):
                    continue
                digest.update(f"{entry.path} {entry.stat().st_mtime_ns}\n".encode(errors="surrogateescape"))
        level = below
    return digest.hexdigest()
