"""The data sets of a workspace: folders in it, and references to folders and CSV files elsewhere."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
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
from labcore.texts import as_bytes, shown
from labcore.workspace import Workspace, slug, write_atomically

DEMO = "demo"
FORMAT = 2
"""Of what is remembered of a data set; raised where the same files would be read in another way."""


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
    return [_guarded_info(workspace, name, path) for name, path in sorted(_places(workspace).items())]


def find_dataset(workspace: Workspace, name_or_path: str | Path) -> Dataset:
    """A data set by its name in the workspace, or by the path of its folder or CSV file.

    Raises:
        DatasetError: there is none, or it cannot be read.
        WorkspaceError: the path lies where this lab opens nothing for visitors.
    """
    asked = str(name_or_path)
    places = _places(workspace)
    if (name := shown(asked)) in places:
        known = places[name]
        if known is None:
            raise DatasetError(*_no_reference(workspace.datasets / f"{name}.json"))
        path = here(workspace, known)
        if not os.path.lexists(path):
            raise DatasetError(
                f"the data set {name!r} lies at {path}, which is not there",
                f"Mount or restore it, or remove {workspace.datasets / (name + '.json')}",
            )
        return read_dataset(path, name)
    if os.path.basename(asked) != asked:  # noqa: PTH119 (a path, and no mistyped name)
        check_root(asked)
    path = here(workspace, asked)
    if asked and os.path.exists(path):  # noqa: PTH110 (False for what is too long for a path, or holds a zero byte)
        check_root(path)
        return read_dataset(path)
    if asked == DEMO:
        raise DatasetError("the demo data set has not been made yet", "Make it with `labcore datasets demo`")
    near = difflib.get_close_matches(asked, places, 1)
    there = f"Did you mean {near[0]!r}? " if near else ""
    there += f"There are: {', '.join(sorted(places))}" if places else "Make one with `labcore datasets demo`"
    raise DatasetError(f"there is no data set {name!r}, neither in the workspace nor as a path", there)


def place_of(workspace: Workspace, name_or_path: str) -> Path:
    """Where a data set lies, or would lie, of that name or path. Reads nothing of it, and says nothing about whether it is there."""
    return here(workspace, _places(workspace).get(shown(name_or_path)) or name_or_path)


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
            if value and value not in names and (path := Path(os.path.expanduser(value))).exists():  # noqa: PTH111 (raises nothing)
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


def _places(workspace: Workspace) -> dict[str, Path | None]:
    """Name → folder or file of all data sets, readable or not; None for a reference that names none.

    A name is a proper text, also where that of the folder is not UTF-8.
    """
    places: dict[str, Path | None] = {}
    for entry in entries(workspace.datasets):
        path = workspace.datasets / entry.name
        name, stem = shown(entry.name), shown(path.stem)
        if os.path.isdir(path):  # noqa: PTH112 (False where it cannot be looked at)
            places[name] = path
        elif path.suffix == ".json":
            places.setdefault(stem, _referred(path))
        elif path.suffix.lower() in LIST_SUFFIXES:
            places.setdefault(stem, path)
    return places


def _referred(reference: Path) -> Path | None:
    try:
        return Path(json.loads(reference.read_text(encoding="utf-8"))["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _no_reference(path: Path) -> tuple[str, str]:
    return f"{path} does not name the folder of a data set", "Remove it, or import the data set again"


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
    try:
        stamp = _stamp(path)
    except FileNotFoundError:
        raise DatasetError(f"{path} is not there", "Mount or restore it") from None
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:8]
    remembered = workspace.cache / "datasets" / f"{slug(name)}-{key}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(remembered.read_text(encoding="utf-8"))
        if known.pop("stamp") == stamp:
            return DatasetInfo(**known)
    dataset = read_dataset(path, name)
    warnings = [finding.sentence for finding in dataset.findings if finding.level == "warning"]
    info = DatasetInfo(name, str(path), dataset.layout, len(dataset.table), len(dataset.labels), warnings=warnings)
    remembered.parent.mkdir(exist_ok=True)
    write_atomically(remembered, json.dumps({**asdict(info), "stamp": stamp}))
    return info


def _stamp(path: Path) -> str:
    """Changes when a file is added, removed or renamed anywhere under a folder, or a list is written.

    Raises:
        FileNotFoundError: the path is not there.
    """
    digest = hashlib.sha256(f"{FORMAT} {path.stat().st_mtime_ns}".encode())
    level = [path] if path.is_dir() else []
    while level:
        below = []
        for folder in level:
            for entry in _listed(folder):
                if entry.is_dir(follow_symlinks=False):
                    below.append(folder / entry.name)
                elif not entry.name.lower().endswith(LIST_SUFFIXES):
                    continue
                with contextlib.suppress(OSError):
                    digest.update(as_bytes(f"{entry.path} {entry.stat().st_mtime_ns}\n"))
        level = below
    return digest.hexdigest()


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return entries(folder)
    except DatasetError:  # reading the data set tells of it
        return []
