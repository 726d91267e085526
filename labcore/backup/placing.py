"""Putting what was unpacked into its places in a workspace: all of it, or nothing.

::

    .restore-<hex>/           in the workspace: ``lock`` and ``unpacked/``, the tree of the backup
    <room>/.restore-<hex>/    in each room, on its disk: ``new/`` waits to be put into place, ``old/`` lay there before

Only renames change what others see, and each is undone where a later one fails.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from labcore.errors import BackupError, RunError, WorkspaceError
from labcore.jobs.kind import TABLE, folder_class
from labcore.runs import Run
from labcore.workspace import is_locked

HIDDEN = ".restore-"


def refuse(home: Path, units: list[str], replace: bool) -> None:
    """See whether units can take their places, before anything changes.

    Raises:
        BackupError: one is there and is not to be replaced, or is another kind of thing.
        RunError: one that would be replaced is running.
    """
    for room in {unit.partition("/")[0] for unit in units if "/" in unit}:
        if os.path.lexists(home / room) and not (home / room).is_dir():
            raise BackupError(f"{home / room} is a file, and the backup has a folder of this name", "Move it away")
    there = [unit for unit in units if os.path.lexists(home / unit)]
    if there and not replace:
        listed = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise BackupError(
            f"the workspace {home} has {listed} already",
            "Restore into another one (LABCORE_HOME), or let the backup replace them with --replace",
        )
    for unit in there:
        if is_locked(home / unit / "lock"):
            raise _is_running(unit)


def _is_running(unit: str) -> RunError:
    room, _, name = unit.partition("/")
    kind = folder_class(room).kind.name if room in TABLE else room
    return RunError(f"{kind} {name} is running", f"Stop it first: `labcore jobs stop {name}`, or on its page")


@contextlib.contextmanager
def staging_in(home: Path) -> Iterator[Path]:
    """A hidden folder in the workspace, on the same disk; it and what belongs to it in the rooms is gone at the end.

    What an earlier restore left that was killed is tidied first.
    """
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{HIDDEN}*"):
        if not is_locked(left / "lock"):
            _tidy(left)
    staging = home / f"{HIDDEN}{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    try:
        with FileLock(staging / "lock"):
            yield staging
    finally:
        _tidy(staging)


def _tidy(staging: Path) -> None:
    """Remove what a restore has left. What it took away and nothing took the place of goes back; what cannot go back stays."""
    stays = [hidden for hidden in staging.parent.glob(f"*/{staging.name}") if not _emptied(hidden)]
    if not stays:
        _emptied(staging)


def _emptied(hidden: Path) -> bool:
    """Remove a hidden folder; False where it holds something that lay in the workspace."""
    with contextlib.suppress(OSError):
        for old in (hidden / "old").iterdir():
            if not os.path.lexists(place := hidden.parent / old.name):
                old.rename(place)
    for spare in ("new", "unpacked"):
        shutil.rmtree(hidden / spare, ignore_errors=True)
    with contextlib.suppress(OSError):
        if (hidden / "old").is_dir():
            (hidden / "old").rmdir()
        (hidden / "lock").unlink(missing_ok=True)
        hidden.rmdir()
    return not hidden.exists()


class Places:
    """The places of units in a workspace.

    Args:
        home: the workspace.
        staging: of :func:`staging_in`; its ``unpacked`` holds the units.
    """

    def __init__(self, home: Path, staging: Path) -> None:
        self.home, self.staging = home, staging
        self._undo: list[tuple[Path, Path]] = []

    def put(self, units: list[str]) -> list[str]:
        """Put the units into their places, all or none; returns those in whose places something was.

        Raises:
            BackupError: what is there is another kind of thing.
            RunError: what is there is running.
            OSError: as the disk has it; the workspace is as it was.
            WorkspaceError: the workspace could not be brought back to what it was; the error says where things lie.
        """
        replaced = []
        try:
            for unit in units:
                self._bring_near(unit)
            for unit in units:
                if self._swap(unit):
                    replaced.append(unit)
        except BaseException as error:
            self._roll_back(error)
            raise
        for unit in units:
            shutil.rmtree(self._hidden(unit) / "old", ignore_errors=True)
        return replaced

    def _hidden(self, unit: str) -> Path:
        return (self.home / unit).with_name(self.staging.name)

    def _bring_near(self, unit: str) -> None:
        """Move a unit to the disk of its room, which may be another one, where a rename puts it into place."""
        unpacked, place, hidden = self.staging / "unpacked" / unit, self.home / unit, self._hidden(unit)
        if os.path.lexists(place) and place.is_dir() != unpacked.is_dir():
            kinds = ("folder", "file") if place.is_dir() else ("file", "folder")
            raise BackupError(f"{place} is a {kinds[0]}, and in the backup it is a {kinds[1]}", "Move it away")
        for folder in (hidden / "new", hidden / "old"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        near = hidden / "new" / place.name
        try:
            unpacked.rename(near)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(unpacked, near)

    def _swap(self, unit: str) -> bool:
        place, hidden = self.home / unit, self._hidden(unit)
        there = os.path.lexists(place)
        with _held(place, unit):
            if there:
                self._rename(place, hidden / "old" / place.name)
            self._rename(hidden / "new" / place.name, place)
        return there

    def _rename(self, source: Path, target: Path) -> None:
        self._undo.append((target, source))
        source.rename(target)

    def _roll_back(self, error: BaseException) -> None:
        stuck = []
        for moved, before in reversed(self._undo):
            if os.path.lexists(moved) and not os.path.lexists(before):
                try:
                    moved.rename(before)
                except OSError:
                    stuck.append(f"{before} lies in {moved}")
        if stuck:
            raise WorkspaceError(
                f"restoring failed ({error}), and not everything could be put back: {'; '.join(stuck[:5])}",
                "Move it back by hand when the disk can be written again",
            ) from error


def _held(place: Path, unit: str) -> contextlib.AbstractContextManager[object]:
    """Hold what is to be replaced, if there is anything, so that nobody takes it up meanwhile."""
    if (place / "config.json").is_file():
        return Run(place).hold(timeout=0.5)
    if not (place / "lock").is_file():
        return contextlib.nullcontext()
    try:
        return FileLock(place / "lock").acquire(timeout=0.5)
    except Timeout as error:
        raise _is_running(unit) from error
