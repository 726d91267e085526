"""Which sign-ins were ended before their time: a file in the workspace that every server of it reads, and writes on a full disk too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from labcore.errors import WorkspaceError

NOTES_FILE = ".access-signed-out"
NOTE_BYTES = 64
"""A note is a line of this length; a place for one that is free is a line of spaces."""
ROOM = 4096
"""So many free places are kept: they take their room on the disk beforehand."""
SETTLED_SECONDS = 2.0
_NAME = re.compile(r"[A-Za-z0-9_-]{8,40}")
_FREE = b" " * (NOTE_BYTES - 1) + b"\n"


class SignedOut:
    """The names of sign-ins that count no more. A name is never taken off again, whatever the clock says.

    Args:
        notes: the file that remembers them over a restart, and for other servers; without, this object alone does.
    """

    def __init__(self, notes: Path | None = None) -> None:
        self._notes = notes
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        if notes is not None:
            with contextlib.suppress(OSError), self._lock, self._open() as descriptor:
                _make_room(descriptor)
            self._look()

    def __contains__(self, name: str) -> bool:
        self._look()
        return name in self._names

    def add(self, name: str) -> None:
        """Note a name. It counts in this process in any case.

        Raises:
            WorkspaceError: it cannot be noted, so that it counts nowhere else and until a restart only.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a sign-in")
        self._names.add(name)
        if self._notes is None:
            return
        refused = WorkspaceError.on_os_error(
            f"the sign-out cannot be saved in {self._notes}",
            "Free some space, or make the workspace writable, and sign out again",
        )
        with refused, self._lock, self._open() as descriptor:
            content = _read(descriptor)
            if name in _names_in(content):
                return
            place = content.find(_FREE)
            line = name.encode().ljust(NOTE_BYTES - 1) + b"\n"
            _write(descriptor, line, place if place >= 0 else len(content))
            os.fsync(descriptor)
            if content.count(_FREE) <= ROOM // 2:
                with contextlib.suppress(OSError):  # a full disk: there is room for many more yet
                    _make_room(descriptor)

    def _look(self) -> None:
        """Read the notes where another server has written some."""
        if self._notes is None:
            return
        try:
            state = self._notes.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            self._names |= _names_in(self._notes.read_bytes())
        except OSError:
            return
        # A file that was written a moment ago may be written again within the same tick of its time.
        self._seen = seen if abs(time.time() - state.st_mtime) > SETTLED_SECONDS else None

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        """The file, for its owner alone, and for one writer at a time."""
        assert self._notes is not None
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._notes, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _names_in(content: bytes) -> set[str]:
    names = {line.strip().decode("ascii", "replace") for line in content.split(b"\n")}
    return {name for name in names if _NAME.fullmatch(name)}


def _make_room(descriptor: int) -> None:
    """See to :data:`ROOM` free places. Spaces are written, so that the room is taken on the disk; notes stay where they are."""
    content = _read(descriptor)
    rest = -len(content) % NOTE_BYTES
    if content and (rest or content[-1:] != b"\n"):  # cut short: a line of its own begins after it
        content += _write(descriptor, b" " * ((rest or NOTE_BYTES) - 1) + b"\n", len(content))
    missing = ROOM - content.count(_FREE)
    if missing > 0:
        _write(descriptor, _FREE * missing, len(content))
        os.fsync(descriptor)


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _write(descriptor: int, content: bytes, place: int) -> bytes:
    """Write all of it at a place; what was written."""
    done = 0
    while done < len(content):
        done += os.pwrite(descriptor, content[done:], place + done)
    return content
