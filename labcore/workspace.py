"""Where data sets, runs, reports and caches lie on disk.

``LABCORE_HOME`` names the folder; without it, it is ``workspace/`` in the current folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import sys
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from labcore.errors import WorkspaceError, if_unwritable
from labcore.reading import DamagedError, open_file
from labcore.texts import as_utf8, composed, is_mark

ROOMS = (
    "datasets",
    "runs",
    "reports",
    "experiments",
    "searches",
    "hidden",
    "curves",
    "evaluations",
    "noise",
    "alarms",
    "estimates",
    "imports",
    "downloads",
    "checks",
    "profiles",
    "cache",
)
"""The folders in a workspace."""
ELSEWHERE = "choose another workspace with LABCORE_HOME"
_UTF_8 = sys.getfilesystemencoding() == "utf-8"
"""Else a process cannot write every letter into the name of a file, or writes bytes that another process reads otherwise."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0").union(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Letters and marks that nothing is drawn for: fillers, and choices between the forms of a letter."""


@dataclass(frozen=True)
class Workspace:
    """The folder that holds the lab's whole state. Its parts are made when they are first asked for."""

    home: Path

    @classmethod
    def default(cls) -> Workspace:
        """The workspace that ``LABCORE_HOME`` names, else ``workspace/`` in the current folder."""
        return cls(Path(os.environ.get("LABCORE_HOME") or "workspace").expanduser().absolute())

    @property
    def datasets(self) -> Path:
        """Data sets, one folder or one ``<name>.json`` reference each."""
        return self.room("datasets")

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.room("runs")

    @property
    def cache(self) -> Path:
        """What can be made again from the rest: clip stores, measured precision choices."""
        return self.room("cache")

    def room(self, name: str) -> Path:
        """One of its folders, which is made where it is not there yet.

        Raises:
            WorkspaceError: it cannot be made.
        """
        folder = self.home / name
        remedy = if_unwritable(self.home, ELSEWHERE)
        with WorkspaceError.on_os_error(f"the workspace folder {folder} cannot be created", remedy):
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
        return folder


def slug(text: str, most: int = 80) -> str:
    """A text as a safe file name: letters and digits of any script, dot, dash and underscore, never empty, never starting with a dot.

    Its letters are composed (NFC), and what nobody sees is left out, as marks that turn the direction of writing: what looks like one name
    is one.

    Args:
        most: characters. Bytes are twice as many at most, so that what the lab puts around a name fits into the 255 that a disk takes.
    """
    seen = (sign for sign in text if sign not in _UNSEEN and unicodedata.category(sign) != "Cf")
    kept = ""
    for sign in composed("".join(seen)):
        belongs = sign.isalnum() or sign in "._-" or (is_mark(sign) and kept[-1:].strip("._-\0") != "")
        belongs &= sign.isascii() or _UTF_8
        kept += sign if belongs else "\0"
    name = re.sub("\0+", "-", kept).strip("-.")
    end = min(len(name), most)
    while len(name[:end].encode()) > 2 * most or (end < len(name) and is_mark(name[end])):
        end -= 1  # a letter goes with its marks
    return name[:end] or "unnamed"


def stamp_of(path: Path | str) -> tuple[int, int]:
    """Bytes of a file or folder, and when it was changed in nanoseconds; zeros where it is gone."""
    try:
        info = os.stat(path)  # noqa: PTH116 (called for every file)
    except (OSError, ValueError):
        return 0, 0
    return info.st_size, info.st_mtime_ns


def size_of(path: Path | str) -> int:
    """Bytes of a file; -1 where it is gone."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (called for every file)
    except (OSError, ValueError):
        return -1


def write_atomically(path: Path, data: bytes | str, *, durable: bool = True) -> None:
    """Write a file of the workspace so that a reader, or a crash at any moment, sees the old content or the new one, never a part. One that
    somebody named is written by :func:`labcore.outputs.write_output`.

    Temporary file in the same folder, fsync, rename.

    Args:
        durable: outlive a power cut too. Without, nothing waits for the disk: for files that are made again where they are not whole.

    Raises:
        WorkspaceError: the disk is full or the folder cannot be written.
    """
    with opened_atomically(path, durable=durable) as file:
        file.write(as_utf8(data) if isinstance(data, str) else data)


@contextlib.contextmanager
def opened_atomically(path: Path, *, durable: bool = True, remedy: str = "") -> Iterator[IO[bytes]]:
    """The same for a file that is written piece by piece: it stands in its place when the block has ended well, else nothing of it stays.

    Args:
        remedy: what to do where it cannot be written; that of the system's reason where none is given.

    Raises:
        WorkspaceError: as :func:`write_atomically`; any OSError inside counts as one of writing.
    """
    told = remedy or if_unwritable(path.parent, ELSEWHERE)
    with WorkspaceError.on_os_error(f"{path} cannot be written", told), whole_file(path, durable=durable) as file:
        yield file


@contextlib.contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """The same, for who tells of the OSError in words of their own."""
    begin = path.name[:40]  # the longest name has room for what follows
    temporary = path.with_name(f".{begin}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def draft_folder(path: Path) -> Iterator[Path]:
    """A hidden folder to be renamed to ``path`` when it is whole. Whatever of it is not moved away inside goes at the end.

    Where it cannot be made, who writes into it is told: some results are worth having without their files.
    """
    draft = path.with_name(f".{path.name}.draft")
    with contextlib.suppress(OSError):
        draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a folder with all in it, a file, or a link and not what it leads to. Whoever looks finds all of it or nothing.

    Raises:
        OSError: its folder cannot be written, or it is gone already.
    """
    trash = path.with_name(f".{path.name}.trash")
    path.rename(trash)
    if trash.is_dir() and not trash.is_symlink():
        shutil.rmtree(trash, ignore_errors=True)
    else:
        trash.unlink(missing_ok=True)


def append_line(path: Path, line: str, full: str = "Free some space") -> None:
    """Append a line to a file of the workspace, in one write: lines of several writers stay whole.

    Args:
        full: what to do where the disk is full.

    Raises:
        WorkspaceError: the disk is full or the folder is gone.
    """
    with WorkspaceError.on_os_error(f"{path} cannot be written", if_unwritable(path.parent, ELSEWHERE, full)):
        add_line(path, line)


def add_line(path: Path, line: str) -> None:
    """The same, for who tells of the OSError in words of their own."""
    content = as_utf8(line) + b"\n"
    with path.open("a+b") as file:
        # A writer that was killed, or a full disk, may have left part of a line: it must not swallow this one.
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            content = b"\n" + content
        file.write(content)


def drop_partial_line(path: Path) -> None:
    """Cut a last line that a killed writer left unfinished, so that the next one starts a line of its own."""
    try:
        file = open_file(path)
    except (OSError, DamagedError):  # whoever appends finds out
        return
    with file:
        whole = size = file.seek(0, os.SEEK_END)
        while whole:
            begin = max(0, whole - 65536)
            file.seek(begin)
            if (found := file.read(whole - begin).rfind(b"\n")) >= 0:
                whole = begin + found + 1
                break
            whole = begin
        if whole < size:
            os.truncate(path, whole)


def is_locked(path: Path) -> bool:
    """Whether someone holds the lock file. Looking takes it in shared mode, so that lookers never see each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def folds_case(folder: Path) -> bool:
    """Whether a disk takes names that differ only in case for one; asks the nearest folder that is there, and writes nothing."""
    for path in (folder, *folder.parents):
        other = path.with_name(path.name.swapcase()) if path.name else path
        if other.name != path.name and path.is_dir():
            return other.exists() and other.samefile(path)
    return False


def folded(name: str) -> str:
    """What names have in common that such a disk takes for one."""
    return composed(name).casefold()


def is_no_file(path: Path) -> bool:
    """Whether something stands in the place of a file that is none: a folder, a pipe, a link to nothing. Nobody can hold that as a lock."""
    return os.path.lexists(path) and not path.is_file()


def sha256_of(path: Path) -> str:
    """Of a file's content, in hexadecimal, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
