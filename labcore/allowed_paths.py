"""Which files may be opened for visitors.

On a person's own machine that is every file. A server that others reach sets ``LABCORE_DATA_ROOTS``, and its workers inherit it: a
visitor must not be able to read around in the machine, nor to find out which files there are. So what lies outside is the same as what
is not there, links followed: whoever makes a table of clips looks here, and whoever opens one looks here again.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from labcore.errors import WorkspaceError
from labcore.workspace import Workspace

ALLOWED_PATHS = "LABCORE_DATA_ROOTS"
VISITORS_MAY_OPEN = "/data"
"""Where a server that others reach opens data sets, beside those of its workspace, unless told otherwise."""
UPLOADS = "uploads"
"""The folder of the workspace's cache in which large uploads lie while a visitor looks at them."""
PINNED = "pinned"
"""The folder of a run in which its pinned clips lie."""


def restrict() -> None:
    """Have this process, and those that it starts, open only what visitors may, unless the keeper named other folders."""
    if not os.environ.get(ALLOWED_PATHS, "").strip():  # an empty one names none
        os.environ[ALLOWED_PATHS] = VISITORS_MAY_OPEN


def allowed_paths() -> list[Path] | None:
    """The folders below which data may be opened, the workspace's data sets among them; None where every path may.

    Nothing else of the workspace is one: what visitors send lies in its runs, and its secrets beside them.
    """
    given = os.environ.get(ALLOWED_PATHS, "").strip()
    return list(_folders(given, Workspace.default().home)) if given else None


def is_open(path: str | Path) -> bool:
    """Whether data may be opened at a path, links followed. Says nothing about whether anything is there."""
    folders = allowed_paths()
    return folders is None or _lies_in(_real(path), folders)


def check_root(path: str | Path) -> None:
    """Look whether a typed path may be opened, links followed. Says nothing about whether anything is there.

    Raises:
        WorkspaceError: it lies outside the folders that this lab may open.
    """
    if not is_open(path):
        raise _outside(path)


def check_weights(path: str | Path) -> None:
    """The same for a file of weights, which may also be that of a run, named by the run's folder.

    Raises:
        WorkspaceError: it lies outside the folders that this lab may open, and is no run's.
    """
    folders = allowed_paths()
    if folders is None:
        return
    real, runs = _real(path), Path(os.path.realpath(Workspace.default().home / "runs"))
    of_run = real is not None and (
        real.parent == runs or (real.parent.parent, real.name) == (runs, "weights.safetensors")
    )
    if not of_run and not _lies_in(real, folders):
        raise _outside(path)


def sound_at(path: str | Path) -> Path | None:
    """Where the sound lies that a path names, links followed: to be opened there, and without following any. None where it may not be.

    Beside the data these are the lab's own copies of what visitors sent: the pinned clips of runs, and large uploads. Where every path
    may be opened, it is the path as it is. Says nothing about whether anything is there.
    """
    folders = allowed_paths()
    if folders is None:
        return Path(path)
    real, home = _real(path), Path(os.path.realpath(Workspace.default().home))
    if real is None or _lies_in(real, [*folders, home / "cache" / UPLOADS]):
        return real
    pinned = real.parent.name == PINNED and real.parent.parent.parent == home / "runs"
    return real if pinned else None


@lru_cache(maxsize=8)
def _folders(given: str, home: Path) -> tuple[Path, ...]:
    folders = [Path(part).expanduser() for part in given.split(os.pathsep) if part.strip()]
    return tuple(Path(os.path.realpath(root)) for root in (*folders, home / "datasets"))


def _real(path: str | Path) -> Path | None:
    """A path with all links followed; None for one that there cannot be: with a zero byte, or a loop."""
    try:
        return Path(os.path.realpath(Path(path).expanduser()))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: an unknown ~user
        return None


def _lies_in(real: Path | None, folders: list[Path]) -> bool:
    return real is not None and any(real.is_relative_to(root) for root in folders)


def _outside(path: str | Path) -> WorkspaceError:
    listed = ", ".join(dict.fromkeys(map(str, allowed_paths() or ())))
    return WorkspaceError(
        f"{path} is outside the folders that visitors may use: {listed}",
        f"Put the files there, or ask the administrator to add the folder to {ALLOWED_PATHS}",
    )
