"""Whether an archive is the one that is meant: by the checksum that is published of it, else by that of the first one that came."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from pathlib import Path

from labcore.errors import ConfigError, DatasetError
from labcore.jobs.following import OnProgress
from labcore.reading import DamagedError, read_object
from labcore.standard_sets import StandardSet
from labcore.texts import json_line, megabytes
from labcore.workspace import Workspace, write_atomically

REMEMBERED = "checksums.json"
"""The file of a workspace with the checksums of archives that nobody publishes: file → checksum and when it came first."""
LENGTHS = {"md5": 32, "sha256": 64}
"""Hexadecimal digits by algorithm."""
PIECE = 1024**2


def read_checksum(text: str) -> str:
    """A checksum as it is typed: ``sha256:…``, ``md5:…``, or the digits alone.

    Raises:
        ConfigError: it is none.
    """
    algorithm, _, digits = text.strip().lower().rpartition(":")
    algorithm = algorithm or next((name for name, length in LENGTHS.items() if length == len(digits)), "")
    if len(digits) != LENGTHS.get(algorithm) or not re.fullmatch(r"[0-9a-f]+", digits):
        raise ConfigError(f"{text!r} is no checksum", "Give it as sha256:… with 64 digits, or md5:… with 32")
    return f"{algorithm}:{digits}"


def checksum_of(path: Path, algorithm: str, progress: OnProgress) -> str:
    """Of a file.

    Args:
        progress: called with megabytes read, and all. What it raises ends the work.

    Raises:
        DatasetError: it cannot be read.
    """
    digest, done = hashlib.new(algorithm, usedforsecurity=False), 0
    with DatasetError.on_os_error(f"{path} cannot be read", "Check its permissions"), path.open("rb") as file:
        total = path.stat().st_size
        while piece := file.read(PIECE):
            digest.update(piece)
            done += len(piece)
            progress(begun_megabytes(done), begun_megabytes(total))
    return f"{algorithm}:{digest.hexdigest()}"


def begun_megabytes(count: int) -> int:
    """Bytes in MB for a progress, rounded up: all of it is all of it, however little."""
    return -(-count // 10**6)


def require_whole(path: Path, about: StandardSet) -> None:
    """Refuse an archive of another length than the published one, which is known of each that has a checksum.

    Raises:
        DatasetError: it is cut off, or another file.
    """
    size = path.stat().st_size
    if about.checksum and size != about.bytes:
        what = "is cut off" if size < about.bytes else "is another file"
        raise DatasetError(
            f"{path} is not the archive of {about.title}: it has {size:,} bytes of {about.bytes:,} and {what}",
            "Fetch it again, or give the checksum of another edition with --checksum",
        )


def require_equal(path: Path, about: StandardSet, found: str, wanted: str) -> None:
    """Raises DatasetError where a checksum is another one than is wanted."""
    if found != wanted:
        raise DatasetError(
            f"{path} is not the archive of {about.title}: its checksum is {found}, it should be {wanted}",
            "Fetch it again; something on the way changed it. If you trust this edition, give its checksum with --checksum",
        )


def remembered(workspace: Workspace, about: StandardSet) -> str:
    """The checksum of the archive that came first, "" where none did."""
    known = _known(workspace).get(about.file)
    return str(known.get("checksum", "")) if isinstance(known, dict) else ""


def remember(workspace: Workspace, about: StandardSet, checksum: str) -> None:
    """Raises WorkspaceError where the workspace cannot be written."""
    entry = {"checksum": checksum, "first": time.strftime("%Y-%m-%d")}
    write_atomically(workspace.home / REMEMBERED, json_line({**_known(workspace), about.file: entry}, indent=2))


def require_as_before(workspace: Workspace, path: Path, about: StandardSet, found: str) -> None:
    """Raises DatasetError where an archive is not the one that came first."""
    first = remembered(workspace, about)
    if first and found != first:
        raise DatasetError(
            f"{path} is another archive of {about.title} than came first: its checksum is {found}, that of the first was {first}",
            f"Compare it at {about.page}. If you trust this edition, give its checksum with --checksum",
        )


def _known(workspace: Workspace) -> dict[str, object]:
    with contextlib.suppress(OSError, DamagedError):
        return read_object(workspace.home / REMEMBERED)
    return {}


def told(about: StandardSet) -> str:
    """For people: the length of the archive, and whether its checksum is known."""
    known = about.checksum or "not published; that of the first download is remembered"
    return f"{megabytes(about.bytes)}, checksum {known}"
