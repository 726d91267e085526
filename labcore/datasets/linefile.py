"""Files beside a data set to which people's decisions are appended, a line each.

Lines are never changed, and one that takes another back is a line too, so that the first lines of a file are what it was at an earlier
time: their number is its revision.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from labcore.errors import DatasetError, WorkspaceError, if_unwritable
from labcore.events import Moment
from labcore.owners import clean, require_owner
from labcore.reading import DamagedError, parse_json, read_file
from labcore.texts import json_line
from labcore.workspace import ELSEWHERE, Workspace, append_line

PATIENCE_SECONDS = 10.0
MOST_BYTES = 2**30


class Line(BaseModel):
    """A line of a file. ``id`` names it; ``who`` wrote it, "" where nobody knows."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")

    id: Annotated[str, Field(min_length=1, max_length=64)]
    time: Moment
    who: str = ""


class Undo(Line):
    """Takes the line with this id back."""

    undo: str


L = TypeVar("L", bound=Line)


@dataclass(frozen=True)
class Lines(Generic[L]):
    """The lines of a file as they are at a moment.

    Attributes:
        kept: those that were not taken back, each with its number from 1, in their order.
        revision: so many lines the file has; 0 where there is none.
        digest: SHA-256 of these lines, "" for none.
        damaged: so many of them cannot be read, and count for nothing.
    """

    kept: tuple[tuple[int, L], ...] = ()
    revision: int = 0
    digest: str = ""
    damaged: int = 0


def read_lines(file: Path, kinds: TypeAdapter[L], what: str, remedy: str) -> Lines[L]:
    """Read a file of lines. One that cannot be read is counted; the last one, where it is being written, is passed over.

    Args:
        kinds: of lines, with :class:`Undo`.
        what: the file in words, for the error.
        remedy: that helps besides mending its permissions.

    Raises:
        DatasetError: the file is there and cannot be read.
    """
    try:
        content = read_file(file, MOST_BYTES)
    except FileNotFoundError:
        return Lines()
    except (OSError, DamagedError) as error:
        why = error.what if isinstance(error, DamagedError) else error.strerror or error
        raise DatasetError(f"{what} {file} cannot be read: {why}", f"Mend its permissions, or {remedy}") from error
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n") and _parsed(lines[-1], kinds) is None:
        lines.pop()
    lines = [line for line in lines if line.strip()]
    kept: dict[str, tuple[int, L]] = {}
    damaged = 0
    for number, line in enumerate(lines, 1):
        parsed = _parsed(line, kinds)
        if isinstance(parsed, Undo):
            kept.pop(parsed.undo, None)
        elif parsed is not None:
            kept[parsed.id] = number, parsed
        else:
            damaged += 1
    digest = hashlib.sha256(b"".join(line.strip() + b"\n" for line in lines)).hexdigest() if lines else ""
    return Lines(tuple(kept.values()), len(lines), digest, damaged)


def append(workspace: Workspace, file: Path, line: L) -> L:
    """Append a line.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    with held(workspace):
        write(file, line)
    return line


def write(file: Path, line: Line) -> None:
    """The same for who holds the lock already, see :func:`held`."""
    append_line(file, json_line(line.model_dump()))


def chosen(there: Sequence[L], number: str, last: L | None, *, what: str, who: str, name: str, listed: str) -> L:
    """The line that somebody means.

    Args:
        there: those that count.
        number: the id of one, the beginning of one, or ``last`` for ``last``, the newest of ``who``.
        what: a line in a word, ``annotation``.
        name: of the data set.
        listed: the command that lists them.

    Raises:
        DatasetError: there is no such line, or several begin so.
    """
    there = [last] if last and number == "last" else [each for each in there if number and each.id.startswith(number)]
    if len(there) != 1:
        which = f"several {what}s begin" if there else f"no {what} that counts begins"
        told = f"{which} with {number!r}" if number != "last" else f"there is no {what} by {who or 'you'}"
        raise DatasetError(f"{told} in the data set {name!r}", f"`{listed}` lists them")
    return there[0]


def undo(workspace: Workspace, file: Path, line: L, what: str, who: str, *, anyone: bool) -> L:
    """Take a line back, with a line that does.

    Args:
        what: the line in a word.
        who: takes it back.
        anyone: it is meant, whoever wrote it.

    Raises:
        NotYoursError: it is another person's.
        WorkspaceError: the workspace cannot be written.
    """
    if not anyone:
        require_owner(line.who, who, f"{what} {line.id}", "Add --anyone to take it back anyway")
    append(workspace, file, Undo(**signed(who), undo=line.id))
    return line


def signed(who: str) -> dict[str, Any]:
    """What every line has: an id of its own, the time at hand, and who writes it."""
    return {"id": secrets.token_hex(6), "time": time.time(), "who": clean(who)}


@contextlib.contextmanager
def held(workspace: Workspace, what: str = "annotations") -> Iterator[None]:
    """Nobody appends to a file that is being renamed. ``what`` is written, in a word for people; each has a lock of its own."""
    lock = FileLock(workspace.cache / f"{what}.lock", timeout=PATIENCE_SECONDS)
    with contextlib.ExitStack() as stack:
        remedy = if_unwritable(workspace.cache, ELSEWHERE)
        with WorkspaceError.on_os_error(f"{lock.lock_file} cannot be written", remedy):
            try:
                stack.enter_context(lock)
            except Timeout as error:
                raise WorkspaceError(
                    f"the {what} are being written by another process, which does not end", "Try again"
                ) from error
        yield


def _parsed(line: bytes, kinds: TypeAdapter[L]) -> L | None:
    try:
        return kinds.validate_python(parse_json(line))
    except (DamagedError, ValidationError):
        return None
