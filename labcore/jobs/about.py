"""What people say of a job: a name of their own, tags, a note, a star, and that it is archived. No part of what the job does.

It lies in the job's folder, in ``about.json``, so that a backup or a moved folder keeps it. The file is replaced whole, and whoever
changes it holds ``about.lock``, so that two people who tag a run at once lose nothing.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from labcore.errors import LabError, WorkspaceError, if_unwritable
from labcore.reading import DamagedError, read_object
from labcore.texts import composed, json_line
from labcore.workspace import ELSEWHERE, write_atomically

FILE, LOCK = "about.json", "about.lock"
LONGEST_NAME, LONGEST_TAG, LONGEST_NOTE = 120, 40, 4000
"""Characters."""
MOST_TAGS = 20
RESERVED = ("last", "builtin")
"""Words that mean a run already where one is named."""


@dataclass(frozen=True)
class About:
    """``name`` is "" where nobody gave one: then the job is called by what it is made of."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    star: bool = False
    archived: bool = False


def read_about(folder: Path) -> About:
    """What is said of the job in a folder; nothing where that is not there or cannot be read, which must hide no job."""
    try:
        return _parsed(read_object(folder / FILE, most=2**20))
    except (OSError, DamagedError):
        return About()


def change_about(folder: Path, **changes: Any) -> About:
    """Change what is said of the job in a folder.

    Args:
        changes: by the names of :class:`About`. An empty name brings back the one that is made from its settings.

    Raises:
        LabError: a name, tag or note that cannot be taken, or what is there cannot be read: nothing is lost then.
        WorkspaceError: the workspace cannot be written.
    """
    with _locked(folder):
        try:
            before = _parsed(read_object(folder / FILE, most=2**20))
        except FileNotFoundError:
            before = About()
        except (OSError, DamagedError) as error:
            raise LabError(
                f"{folder / FILE} cannot be read: {error}", "Repair it, or remove it: it holds name, tags and note"
            ) from error
        after = dataclasses.replace(before, **{name: _checked(name, value) for name, value in changes.items()})
        if after != before:
            write_atomically(folder / FILE, json_line(dataclasses.asdict(after), indent=2))
        return after


def tagged(about: About, add: Iterable[str] = (), remove: Iterable[str] = ()) -> tuple[str, ...]:
    """Its tags with some more, and without some; upper and lower case are the same."""
    gone = {_line(tag).casefold() for tag in remove}
    return tuple(tag for tag in (*about.tags, *add) if _line(tag).casefold() not in gone)


def _locked(folder: Path) -> FileLock:
    if not folder.is_dir():
        raise LabError(f"{folder.name} no longer exists")
    lock = FileLock(folder / LOCK, timeout=10)
    with WorkspaceError.on_os_error(f"{folder / FILE} cannot be written", if_unwritable(folder, ELSEWHERE)):
        try:
            lock.acquire()
        except Timeout as error:
            raise WorkspaceError(f"{folder / LOCK} is held by another process", "Try again") from error
    return lock


def _parsed(content: dict[str, Any]) -> About:
    """As far as it is what it should be: a hand may have written it."""
    name, note, tags = content.get("name"), content.get("note"), content.get("tags")
    return About(
        name=_line(name)[:LONGEST_NAME] if isinstance(name, str) else "",
        tags=_unique(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        note=_text(note)[:LONGEST_NOTE] if isinstance(note, str) else "",
        star=content.get("star") is True,
        archived=content.get("archived") is True,
    )


def _checked(name: str, value: Any) -> Any:
    match name:
        case "name":
            given = _line(value)
            if given.casefold() in RESERVED:
                raise LabError(f"a run cannot be called {given!r}, which means another one", "Choose another name")
            return _short(given, LONGEST_NAME, "the name")
        case "note":
            return _short(_text(value), LONGEST_NOTE, "the note")
        case "tags":
            tags = _unique(value)
            if wrong := next((tag for tag in tags if "," in tag), None):
                raise LabError(f"the tag {wrong!r} holds a comma, which separates tags", "Give two tags")
            if len(tags) > MOST_TAGS:
                raise LabError(f"{len(tags)} tags are too many", f"Keep {MOST_TAGS} at most")
            return tuple(_short(tag, LONGEST_TAG, f"the tag {tag[:20]!r}") for tag in tags)
    return bool(value)


def _short(text: str, most: int, what: str) -> str:
    if len(text) > most:
        raise LabError(f"{what} has {len(text)} characters", f"Keep it within {most}")
    return text


def _unique(tags: Iterable[str]) -> tuple[str, ...]:
    """Each once, in their order, by the spelling that came first."""
    found: dict[str, str] = {}
    for tag in map(_line, tags):
        if tag:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def _line(text: str) -> str:
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    """Without what a terminal or a page would obey."""
    spaced = composed(text).replace("\r\n", "\n").replace("\t", " ")
    return "".join(letter for letter in spaced if letter == "\n" or unicodedata.category(letter)[0] != "C").strip()
