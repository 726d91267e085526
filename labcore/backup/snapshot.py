"""What of a workspace goes into a backup, each file as it was at one moment, while others write.

The lab writes files either whole (a new file takes the old one's name: who has the old one open goes on reading it) or by appending
lines. So an open file and a length are a snapshot. What remains is the order among files of a run: see :func:`_open_run`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labcore.backup.names import NEVER, trouble
from labcore.reading import DamagedError, open_file

SMALL = 4 * 1024**2
"""Files up to this size are read in one go: what is rewritten in place is then seen as it was at one moment."""
PASSING = ("lock", "stop")
"""Who works on a run or search, and that it is asked to stop, are not facts to bring back."""
TRIES = 20


@dataclass
class LeftOut:
    """What was left out, for people: names in the workspace. ``links`` are special files too, ``unreadable`` what no backup can hold."""

    datasets: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Member:
    """A file of the backup: its name from the workspace on, and ``size`` bytes to be read from ``file``."""

    name: str
    file: IO[bytes]
    size: int
    mtime: float


def units(home: Path, datasets: bool, left_out: LeftOut) -> list[str]:
    """What is backed up, by the names of the things a person knows: ``runs/<id>``, ``searches/<id>``, ``datasets/<name>.json``.

    Runs come first: a search's journal that is read after its runs knows of all of them, and goes on from there.
    """
    found: list[str] = []
    rooms = sorted(_entries(home, "", left_out), key=lambda entry: (entry.name != "runs", entry.name))
    for room in rooms:
        if room.name in NEVER or room.name.endswith(".lock"):
            continue
        if room.is_file(follow_symlinks=False):
            found.append(room.name)
        elif os.path.isdir(room.path):  # noqa: PTH112 (a room itself may be a link, to a larger disk or to nowhere)
            for entry in sorted(_entries(Path(room.path), room.name, left_out), key=lambda entry: entry.name):
                name = f"{room.name}/{entry.name}"
                if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
                    left_out.links.append(name)
                elif room.name == "datasets" and entry.is_dir() and not datasets:
                    left_out.datasets.append(entry.name)
                elif not entry.name.endswith(".lock"):
                    found.append(name)
        else:
            left_out.links.append(room.name)
    return found


def members(home: Path, names: list[str], left_out: LeftOut) -> Iterator[Member]:
    """The files of these units. Each member's file is closed when the next is asked for; what is gone meanwhile is passed over."""
    for name in names:
        path = home / name
        if not path.is_dir():
            yield from _one(path, name, left_out)
            continue
        pinned: dict[Path, Member] = _open_run(path, name) if name.startswith("runs/") else {}
        try:
            for file, inner in _walk(path, name, left_out):
                if not name.startswith("datasets/") and (file.name in PASSING or file.suffix == ".lock"):
                    continue
                if file in pinned:
                    yield pinned[file]
                else:
                    yield from _one(file, inner, left_out)
        finally:
            for member in pinned.values():
                member.file.close()


def _open_run(path: Path, name: str) -> dict[Path, Member]:
    """Checkpoint and events of a run, opened so that they belong together.

    A checkpoint is written before the event of its epoch. Events that end where the checkpoint does are had by looking whether the
    checkpoint is still the same after the events were measured. Where epochs are so short that this never happens, the events are those
    that were there later, which a resumed run tells again: for readers the last of an epoch counts.
    """
    events, checkpoint = path / "events.jsonl", path / "checkpoints" / "last.pt"
    opened: dict[Path, Member] = {}
    for _ in range(TRIES):
        for member in opened.values():
            member.file.close()
        opened = {}
        for file in (checkpoint, events):
            if (found := _open(file, f"{name}/{file.relative_to(path).as_posix()}")) is not None:
                opened[file] = found
        try:
            now = checkpoint.stat()
        except OSError:
            now = None
        then = os.fstat(opened[checkpoint].file.fileno()) if checkpoint in opened else None
        if (now and (now.st_ino, now.st_mtime_ns)) == (then and (then.st_ino, then.st_mtime_ns)):
            break
    return opened


def _one(path: Path, name: str, left_out: LeftOut) -> Iterator[Member]:
    try:
        member = _open(path, name, small=True)
    except OSError:
        left_out.unreadable.append(name)
    else:
        if member is not None:
            with member.file:
                yield member


def _open(path: Path, name: str, *, small: bool = False) -> Member | None:
    """An open file and how much of it counts: whole lines of what grows line by line. None where it is gone.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        file = open_file(path)
    except (FileNotFoundError, DamagedError):  # it may have become a pipe since it was listed
        return None
    info = os.fstat(file.fileno())
    size = _whole_lines(file, info.st_size) if path.suffix in (".jsonl", ".log") else info.st_size
    if small and size <= SMALL:
        with file:
            content = file.read(size)
        return Member(name, io.BytesIO(content), len(content), info.st_mtime)
    return Member(name, file, size, info.st_mtime)


def _whole_lines(file: IO[bytes], size: int) -> int:
    """Bytes up to the end of the last whole line among the first ``size``."""
    end = size
    while end > 0:
        begin = max(0, end - 65536)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            file.seek(0)
            return begin + found + 1
        end = begin
    file.seek(0)
    return 0


def _walk(folder: Path, name: str, left_out: LeftOut) -> Iterator[tuple[Path, str]]:
    for entry in sorted(_entries(folder, name, left_out), key=lambda entry: entry.name):
        inner = f"{name}/{entry.name}"
        if trouble(inner.split("/")):
            left_out.unreadable.append(inner)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), inner, left_out)
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path), inner
        else:
            left_out.links.append(inner)


def _entries(folder: Path, name: str, left_out: LeftOut) -> list[os.DirEntry[str]]:
    """What a folder holds; hidden files are drafts, trash and files that are being written. One that is gone meanwhile holds nothing."""
    try:
        with os.scandir(folder) as listing:
            return [entry for entry in listing if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError:
        left_out.unreadable.append(name or str(folder))
        return []
