"""Bringing a backup back: everything is unpacked and checked beside the workspace's rooms first, then put into its place, all or nothing.

A check reads and judges a backup by the same code, so that what passes it can be restored.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from labcore.backup.encryption import decrypted, is_encrypted
from labcore.backup.placing import Places, refuse, staging_in
from labcore.backup.reading import Contents, read_archive
from labcore.backup.writing import Progress
from labcore.errors import BackupError, WorkspaceError
from labcore.reading import DamagedError, open_file
from labcore.workspace import Workspace

START = 64
"""Bytes that tell what a file is."""


@dataclass(frozen=True)
class Restored(Contents):
    """What came back, or was checked. ``replaced`` are the units that were there before."""

    encrypted: bool
    replaced: list[str] = field(default_factory=list)


def restore(
    source: Path | IO[bytes],
    workspace: Workspace,
    *,
    identities: Sequence[Path] = (),
    passphrase: str = "",
    replace: bool = False,
    check_only: bool = False,
    progress: Progress = lambda files, size: None,
) -> Restored:
    """Bring the units of a backup into a workspace, which may be empty or in use.

    Nothing in the workspace changes before the whole backup was read and found right, and where putting its units into their places
    fails at any of them, all go back. Runs that were running when it was made come back as interrupted ones, which can be resumed.

    Args:
        source: a file, or an open stream, which is read once from its beginning to its end.
        identities: files of secret keys of age or SSH, for an encrypted one.
        passphrase: for one that a former version encrypted with a passphrase.
        replace: let units of the backup take the place of those of the same name; else any such unit is a refusal.
        check_only: see whether it can be restored into an empty workspace, and write nothing.
        progress: called with (files, bytes) read so far; what it raises ends the restore and leaves nothing behind.

    Raises:
        BackupError: it is no backup, damaged, cut off, cannot be decrypted, or holds what is there already.
        RunError: something that would be replaced is running.
        WorkspaceError: the workspace cannot be written.
    """
    home = workspace.home
    with (
        _named(source),
        _opened(source) if isinstance(source, Path) else contextlib.nullcontext(source) as opened,
    ):
        start = opened.read(START)
        if not start:
            remedy = "Take another copy of it, or see what the command before this one in the pipe says"
            raise BackupError("this is not a backup: it is empty", remedy)
        encrypted, file = is_encrypted(start), io.BufferedReader(_From(start, opened))

        def read(staging: Path | None, early: Callable[[list[str]], None]) -> Restored:
            with decrypted(file, start, identities, passphrase) if encrypted else contextlib.nullcontext(file) as plain:
                return Restored(**vars(read_archive(plain, home, staging, early, progress)), encrypted=encrypted)

        if check_only:
            return read(None, lambda units: None)
        what = f"restoring {source if isinstance(source, Path) else 'the backup'} into {home} failed"
        remedy = "Free some space, or set LABCORE_HOME to another folder; the existing files are unchanged"
        with WorkspaceError.on_os_error(what, remedy):
            if isinstance(source, Path):
                _look_for_room(home, source)
            with staging_in(home) as staging:
                restored = read(staging / "unpacked", lambda units: refuse(home, units, replace))
                refuse(home, restored.units, replace)
                _complete(staging / "unpacked", restored.units)
                return dataclasses.replace(restored, replaced=Places(home, staging).put(restored.units))


@contextlib.contextmanager
def _named(source: Path | IO[bytes]) -> Iterator[None]:
    """What is wrong with a file is told with its path."""
    try:
        yield
    except BackupError as error:
        if isinstance(source, Path) and str(source) not in error.what:
            raise BackupError(f"{source}: {error.what}", error.remedy) from error
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return open_file(path)
    except DamagedError as error:
        raise BackupError(
            f"{path} is not a backup: it is not a regular file", "Give a file that `labcore backup` made"
        ) from error
    except FileNotFoundError as error:
        raise BackupError(f"there is no backup {path}", "Check the path") from error
    except OSError as error:
        raise BackupError(f"the backup {path} cannot be read: {error.strerror or error}") from error


class _From(io.RawIOBase):
    """A stream whose first bytes were read already, from its beginning."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._start[: len(buffer)] or self._rest.read(len(buffer))
        self._start = self._start[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _look_for_room(home: Path, source: Path) -> None:
    place = next(path for path in (home, *home.absolute().parents) if path.exists())
    free, needed = shutil.disk_usage(place).free, source.stat().st_size
    if free < needed:
        raise WorkspaceError(
            f"restoring needs about {needed / 1e6:.0f} MB in {home}, and {free / 1e6:.0f} MB are free",
            "Free some space, or set LABCORE_HOME to another folder",
        )


def _complete(unpacked: Path, units: list[str]) -> None:
    """Empty folders are not in an archive, and the first checkpoint of a run needs one."""
    for unit in units:
        if unit.startswith("runs/") and (unpacked / unit / "config.json").is_file():
            (unpacked / unit / "checkpoints").mkdir(exist_ok=True)
