"""Reading a backup: everything that can be wrong with one is found here, whether it is to be restored or only checked.

What an archive says is not believed: names that lead out of the workspace, links, devices and doubles are refused, sizes are bounded before
memory is taken, and each file's size and SHA-256 are held against the manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from labcore.backup.names import DAMAGED, FOREIGN, Names, cut, is_run, trouble
from labcore.backup.writing import FORMAT, HEAD, MANIFEST, PIECE, Progress
from labcore.errors import BackupError
from labcore.reading import parse_json
from labcore.tars import BoundedHeader, is_plain_file

LARGEST_HEAD = 16 * 1024**2
LARGEST_LINE = 64 * 1024
"""Bytes of a line of the manifest: a path and two numbers."""
NO_BACKUP, CUT_OFF = "is not a backup of the lab", "is damaged or cut off"
LATEST = 2**33
"""Seconds since 1970 that every file system can keep as a file's time."""

T = TypeVar("T")


@dataclass(frozen=True)
class Contents:
    """What an archive holds: the units, the runs among them by their ids, and how many files of how many bytes."""

    units: list[str]
    runs: list[str]
    files: int
    bytes: int


def read_archive(
    plain: IO[bytes], home: Path, staging: Path | None, early: Callable[[list[str]], None], progress: Progress
) -> Contents:
    """Read an archive to its end, and hold all against its manifest.

    Args:
        home: the workspace that it is for.
        staging: where its files are unpacked; None: they are only read.
        early: is told the units that the archive means to hold, before any of them is unpacked.
        progress: called with (files, bytes) so far.

    Raises:
        BackupError: it is no backup, cut off, damaged, or holds what cannot be restored.
    """
    names, size = Names(home), 0
    seen: dict[str, tuple[int, str]] = {}
    members = _members(plain, home if staging is None else staging)
    early(_head(next(members, None)))
    for member, content in members:
        if member.name == MANIFEST:
            _compare(content, seen)
            if (behind := next(members, None)) is not None:
                raise BackupError(f"the backup holds {cut(behind[0].name)} behind its end", FOREIGN)
            runs = [unit.removeprefix("runs/") for unit in names.units if is_run(unit, seen)]
            return Contents(list(names.units), runs, len(seen), size)
        parts = names.take(member.name)
        target = None if staging is None else staging.joinpath(*parts)
        told = _unpack(member, content, target, lambda done, before=size: progress(len(seen), before + done))  # type: ignore[misc]
        seen["/".join(parts)] = told
        size += told[0]
    raise BackupError("the backup is cut off: its list of checksums is missing", DAMAGED)


FILTER: Callable[..., object] = getattr(tarfile, "data_filter", lambda member, folder: member)
"""tarfile's own judgement of a member (PEP 706). Debian 12's Python has none: there the names alone decide, which are stricter."""


def _members(plain: IO[bytes], folder: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The files of an archive in their order, for a folder; each has to be read before the next one is asked for."""
    archive = _parsed(lambda: tarfile.TarFile.open(fileobj=plain, mode="r|", tarinfo=BoundedHeader), NO_BACKUP)
    while (member := _parsed(archive.next, CUT_OFF)) is not None:
        archive.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
        if not is_plain_file(member):
            raise BackupError(f"the backup holds {cut(member.name)}, which is not a regular file", FOREIGN)
        try:
            FILTER(member, str(folder))
        except (tarfile.TarError, ValueError) as error:
            raise BackupError(f"the backup holds {cut(member.name)}, which does not belong there", FOREIGN) from error
        content = archive.extractfile(member)
        assert content is not None  # an ordinary file has one
        yield member, content


def _parsed(parse: Callable[[], T], what: str) -> T:
    """What tarfile makes of the next bytes; whatever it raises for bad ones, and that is more than its own errors, is told alike."""
    try:
        return parse()
    except (BackupError, OSError):
        raise
    except Exception as error:
        raise BackupError(f"the file {what}: {str(error) or type(error).__name__}", DAMAGED) from error


def _head(first: tuple[tarfile.TarInfo, IO[bytes]] | None) -> list[str]:
    """The units that an archive means to hold, from its first member."""
    if first is None:
        raise BackupError("the file is not a backup of the lab: it begins with nothing but zeros", DAMAGED)
    member, content = first
    try:
        if member.name != HEAD or member.size > LARGEST_HEAD:
            raise ValueError(f"it begins with {cut(member.name)}")
        head = parse_json(_parsed(content.read, CUT_OFF))
        known, units = head["format"], head["units"]
        if known != FORMAT:
            raise ValueError(f"its format is {cut(str(known))}")
        if not isinstance(units, list) or not all(isinstance(unit, str) for unit in units):
            raise TypeError("its units are no names")
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(
            f"the file is not a backup of this lab: {error}", "Give a file that `labcore backup` made"
        ) from error
    return [unit for unit in units if not trouble(unit.split("/"))]


def _unpack(
    member: tarfile.TarInfo, content: IO[bytes], target: Path | None, progress: Callable[[int], None]
) -> tuple[int, str]:
    """Bytes and SHA-256 of a member, which is written to ``target`` where there is one."""
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        file: IO[bytes] | None = None
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(target.open("xb"))
        while piece := _parsed(lambda: content.read(PIECE), CUT_OFF):
            digest.update(piece)
            size += len(piece)
            if file is not None:
                file.write(piece)
            progress(size)
        if file is not None:
            file.flush()
            os.fsync(file.fileno())
    if size != member.size:
        raise BackupError(f"the backup is cut off in {cut(member.name)}", DAMAGED)
    if target is not None:
        changed = min(max(member.mtime, 0), LATEST) if member.mtime == member.mtime else 0
        os.utime(target, (changed, changed))
    return size, digest.hexdigest()


def _compare(manifest: IO[bytes], seen: dict[str, tuple[int, str]]) -> None:
    """Raise a BackupError where what was read is not what the manifest says."""
    missing = dict(seen)
    while line := _parsed(lambda: manifest.readline(LARGEST_LINE), CUT_OFF):
        try:
            known = parse_json(line)
            name, facts = known["path"], (known["bytes"], known["sha256"])
            if not isinstance(name, str):
                raise TypeError("a path is not a name")
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("the backup's list of checksums is damaged", DAMAGED) from error
        if name not in missing:
            raise BackupError(f"the backup lacks {cut(name)}", DAMAGED)
        if missing.pop(name) != facts:
            raise BackupError(f"the checksum of {cut(name)} in the backup is wrong", DAMAGED)
    if missing:
        raise BackupError(f"the backup has no checksum of {cut(min(missing))}", DAMAGED)
