"""The names of a workspace's data sets: which there are, where each leads, and what they were before they were renamed."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Collection
from pathlib import Path
from shlex import quote

from labcore.allowed_paths import is_open
from labcore.datasets.cliplist import TEXT_SUFFIXES
from labcore.datasets.scan import entries
from labcore.errors import DatasetError
from labcore.reading import DamagedError, read_object
from labcore.standard_sets import known_set
from labcore.texts import composed, shown
from labcore.typed import plain_path
from labcore.workspace import Workspace, folded, folds_case, slug

RENAMED = "renamed.json"
"""The file of a workspace that tells which data set had which name before."""


def no_such_set(name: str, places: Collection[str]) -> DatasetError:
    """The error for people where a name is that of no data set."""
    near = difflib.get_close_matches(name, places, 1)
    if (standard := known_set(name)) is not None:
        called = "" if standard.name == name else f" --name {slug(name)}"
        there = f"`labcore datasets get {standard.name}{called}` downloads {standard.title}"
        return DatasetError(f"there is no data set {name!r}, neither in the workspace nor as a path", there)
    there = f"Did you mean {near[0]!r}? " if near else ""
    there += f"There are: {', '.join(sorted(places))}" if places else "Generate one with `labcore datasets demo`"
    return DatasetError(f"there is no data set {name!r}, neither in the workspace nor as a path", there)


def require_free(workspace: Workspace, name: str, path: Path | None) -> None:
    """Refuse a name that another data set than that at a path has, or had before it was renamed. A name counts as the disk takes it, and in
    either spelling of its letters.

    Raises:
        DatasetError: it has.
    """
    places, alike = places_of(workspace), folded if folds_case(workspace.datasets) else composed
    used = name if name in places else next((each for each in places if alike(each) == alike(name)), name)
    taken = places.get(used)
    if taken is not None and (used, taken) != (name, path):
        gone = (
            ""
            if os.path.lexists(taken)
            else f", or, since it is not there, take it away first: `labcore datasets remove {quote(used)}`"
        )
        raise DatasetError(f"the name {used!r} is used by the data set at {taken}", f"Choose another name{gone}")
    now = {composed(old): new for old, new in names_before(workspace).items()}.get(composed(name))
    if taken is None and now in places:
        raise DatasetError(
            f"the name {name!r} was that of {now!r}, and runs refer to it by that name", "Choose another name"
        )


def places_of(workspace: Workspace) -> dict[str, Path | None]:
    """Name → folder or file of all data sets, readable or not; None for a reference that names none. Opens every reference."""
    return {name: place_at(entry) for name, entry in entries_of(workspace).items()}


def place_named(workspace: Workspace, name: str) -> Path | None:
    """Folder or file of the data set of a name; None where there is none, or its reference names none. Opens no other reference."""
    entry = entries_of(workspace).get(name)
    return place_at(entry) if entry is not None else None


def place_at(entry: Path) -> Path | None:
    """Where the data set of an entry lies, see :func:`entries_of`; None for a reference that names no place."""
    return _referred(entry) if entry.suffix == ".json" and not entry.is_dir() else entry


def entries_of(workspace: Workspace) -> dict[str, Path]:
    """Name → the folder, list or reference in the workspace that makes it a data set.

    A name is a proper text, also where that of the folder is not UTF-8. A folder goes before a file of its name.
    """
    folder, found = workspace.datasets, dict[str, Path]()
    for entry in entries(folder):
        path = folder / entry.name
        name, stem = shown(entry.name), shown(path.stem)
        is_list = path.suffix == ".json" or path.suffix.lower() in TEXT_SUFFIXES
        if os.path.isdir(path) or (entry.is_symlink() and not is_list and not is_open(path)):  # noqa: PTH112
            # a link that leads where nothing may be opened is told, whether anything is there or not
            found[name] = path
        elif is_list:
            found.setdefault(stem, path)
    return found


def called_now(workspace: Workspace, asked: str, places: Collection[str] | None = None) -> str:
    """The name of a data set by now, also where it was renamed since; what is no such name stays as it is.

    Args:
        places: the names there are, where they are known already.
    """
    places = entries_of(workspace) if places is None else places
    for name in (shown(asked), shown(plain_path(asked))):
        if name in places:
            return name
        before = names_before(workspace)
        if before.get(name) in places:
            return before[name]
    spelled = {composed(old): now for old, now in (*names_before(workspace).items(), *zip(places, places, strict=True))}
    now = spelled.get(composed(shown(plain_path(asked))), "")
    return now if now in places else shown(asked)


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


def no_reference(path: Path) -> tuple[str, str]:
    return f"{path} does not contain the folder of a data set", "Delete it, or add the data set again"
