"""Lists of things that lie in folders of the workspace: each is looked at by itself, and one that cannot be read hides no other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from labcore.errors import LabError, WorkspaceError
from labcore.texts import shown
from labcore.workspace import is_locked, remove

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Unreadable:
    """A thing that cannot be read: its name as it can be printed, why, a sentence without the final stop, and where it lies."""

    name: str
    why: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} cannot be read: {self.why}"


def folders_with(room: Path, marker: str, *, called: str | None = None, most: int | None = None) -> list[Path]:
    """The folders of a room that hold a file of this name, the last name first. Drafts, whose names begin with a dot, are left out.

    A folder whose name is not UTF-8 is none of them: no page can show or link it. :func:`strays` tells of it.

    Args:
        called: only the one of this name, where it is there.
        most: no more than so many.

    Raises:
        WorkspaceError: the room itself cannot be listed.
    """
    there = os.fspath(room)  # a Path for each of a thousand takes longer than the look
    names = (name for name in _names(room) if called in (None, name) and _is_text(name))
    return list(islice((room / name for name in names if os.path.isfile(f"{there}/{name}/{marker}")), most))  # noqa: PTH113


def strays(room: Path, marker: str, *traces: str) -> list[Unreadable]:
    """What lies in a room and should be a thing of it, but cannot be read as one. Folders that nothing marks are left out.

    Args:
        marker: the file that each folder of the room holds.
        traces: other files that tell what a folder without the marker was.

    Raises:
        WorkspaceError: the room itself cannot be listed.
    """
    found = ((name, _trouble(room / name, marker, traces)) for name in _names(room))
    return [Unreadable(shown(name), why, room / name) for name, why in found if why]


def discard(thing: Unreadable) -> None:
    """Remove something that cannot be read: a folder with all in it, a file, a link and not what it leads to.

    Raises:
        WorkspaceError: somebody works on it, it is gone already, or the workspace cannot be written.
    """
    path = thing.path
    if path is None or not os.path.lexists(path):
        raise WorkspaceError(f"{thing.name} no longer exists")
    if is_locked(path / "lock"):
        raise WorkspaceError(f"{thing.name} is running", "Stop it first")
    with WorkspaceError.on_os_error(f"{thing.name} cannot be deleted", "Check its permissions"):
        remove(path)


def looked_at(
    things: Iterable[T], look: Callable[[T], R], name: Callable[[T], str]
) -> tuple[list[R], list[Unreadable]]:
    """What a look at each thing gives, and those at which nothing can be seen, whatever the reason."""
    seen: list[R] = []
    unreadable: list[Unreadable] = []
    for thing in things:
        try:
            seen.append(look(thing))
        except Exception as error:  # one thing must never hide the others
            unreadable.append(Unreadable(shown(name(thing)), reason(error)))
    return seen, unreadable


def reason(error: Exception) -> str:
    """Why something cannot be read, for people, without the final stop."""
    if isinstance(error, LabError):
        told = error.what.partition(" cannot be read: ")[2]  # what cannot be read stands before it already
        return (told or str(error)).rstrip(".")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return shown(f"it is damaged ({type(error).__name__}: {' '.join(str(error).split())[:200]})")


def _names(room: Path) -> list[str]:
    with WorkspaceError.on_os_error(f"the folder {room} cannot be listed", "Check its permissions"):
        return sorted((name for name in os.listdir(room) if not name.startswith(".")), reverse=True)  # noqa: PTH208


def _is_text(name: str) -> bool:
    return shown(name) == name


def _trouble(path: Path, marker: str, traces: tuple[str, ...]) -> str:
    """Why something in a room cannot be read; "" where it can, or is none of the room's business."""
    if path.name.endswith(".lock"):
        return ""
    if os.path.isfile(path / marker):  # noqa: PTH113
        return "" if _is_text(path.name) else "its name is not UTF-8; rename the folder"
    try:
        inside = os.listdir(path)  # noqa: PTH208
    except FileNotFoundError:
        return "it is a broken link" if path.is_symlink() else ""
    except NotADirectoryError:
        return "it is a file, but a folder is expected"
    except OSError as error:
        return f"its folder cannot be listed: {error.strerror or error}"
    if marker in inside:
        return f"its {marker} is not a file"
    return f"its {marker} is missing" if any(trace in inside for trace in traces) else ""
