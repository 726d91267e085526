"""The bounds of walking through folders: no folder of the system, and no more than a data set can be.

A typed path may lead anywhere, to ``/`` too. What looks through folders counts what it sees in the :class:`WalkBudget` at hand, so that all
that is done to read one data set has one bound, one progress and one way to be called off.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from labcore.errors import DatasetError
from labcore.jobs.following import OnProgress
from labcore.texts import shown

MOST_FOLDERS = 100_000
MOST_FILES = 2_000_000
MOST_OTHERS = 200_000
"""Files that are not audio, where they are more than ten times those that are: a disk, and no data set."""
PSEUDO = frozenset(
    [
        *("proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "pstore", "bpf", "configfs"),
        *("fusectl", "mqueue", "hugetlbfs", "efivarfs", "binfmt_misc", "nsfs", "rpc_pipefs", "selinuxfs", "autofs"),
    ]
)  # fmt: skip
"""Types of file systems that hold the system's state and nobody's files."""
SYSTEM_FOLDERS = ("/proc", "/sys", "/dev")
MOUNTS = "/proc/self/mountinfo"
EVERY = 512
"""So many files are looked at between two calls of the progress."""

Identity = tuple[int, int]


class TooMuchError(DatasetError):
    """A folder holds more than a data set can: the path is a disk, or somebody's home."""


@dataclass
class WalkBudget:
    """What was looked at so far to read one thing.

    ``progress`` is called with (files seen, 0) now and then; what it raises ends the look.
    """

    progress: OnProgress | None = None
    files: int = 0
    audio: int = 0
    known: set[Identity] = field(default_factory=set)
    below: Counter[tuple[str, ...]] = field(default_factory=Counter)
    root: Path | None = None
    system: tuple[frozenset[int], frozenset[Identity]] = field(default_factory=lambda: _system())
    repeated: int = 0
    _untold: int = 0

    def counts(self, identity: Identity, again: bool) -> bool:
        """Whether the files of a folder count: not where another walk of the same look has seen it.

        Args:
            again: this walk has seen it.
        """
        self.tell(1)
        if identity in self.known:
            self.repeated += again
            return again
        self.known.add(identity)
        return True

    def saw(self, folder: Path, files: int, audio: int) -> None:
        """Count what a folder holds. The first one is counted as what is looked through, where nothing else was said.

        Raises:
            TooMuchError: it is too much for a data set.
        """
        self.files, self.audio = self.files + files, self.audio + audio
        self.root = self.root or folder
        with contextlib.suppress(ValueError):
            self.below[folder.relative_to(self.root).parts[:1]] += files
        folders, others = len(self.known) + self.repeated, self.files - self.audio
        if folders > MOST_FOLDERS or self.files > MOST_FILES or (others > MOST_OTHERS and others > 10 * self.audio):
            raise self._too_many(folders)
        self.tell(files)

    def tell(self, more: int) -> None:
        """Report the progress after so many more folders or files, where it is time to."""
        self._untold += more
        if self.progress is not None and self._untold >= EVERY:
            self._untold = 0
            self.progress(self.files, 0)

    def is_system(self, info: os.stat_result) -> bool:
        """Whether a folder is one of the system: ``/proc``, ``/sys``, ``/dev``, or on a file system of that kind."""
        devices, folders = self.system
        return info.st_dev in devices or (info.st_dev, info.st_ino) in folders

    def refuse_system(self, folder: Path) -> None:
        """Raises DatasetError where a folder is one of the system."""
        with contextlib.suppress(OSError):
            if self.is_system(folder.stat()):
                raise DatasetError(f"{folder} is a system folder without sounds", "Choose another folder")

    def _too_many(self, folders: int) -> TooMuchError:
        assert self.root is not None
        top, most = next(iter(self.below.most_common(1)), ((), 0))
        where = f"; {most:,} of them lie in {shown(self.root.joinpath(*top))}" if top else ""
        return TooMuchError(
            f"{self.root} is too large to scan: after {folders:,} folders with {self.files:,} files, {self.audio:,} of them "
            f"audio, the scan stopped{where}",
            "Choose the subfolder with the sounds, or write a CSV file with the columns path and label",
        )


at_hand: ContextVar[WalkBudget | None] = ContextVar("look", default=None)


@contextlib.contextmanager
def looking(progress: OnProgress | None = None, *, anew: bool = False) -> Iterator[WalkBudget]:
    """Count all walks inside as one look; inside another look they belong to that one.

    Args:
        anew: they are counted by themselves all the same, and report to the progress of the look around them.
    """
    now = at_hand.get()
    if now is None or anew:
        now = WalkBudget(progress or (now.progress if now else None))
    token = at_hand.set(now)
    try:
        yield now
    finally:
        at_hand.reset(token)


def _system() -> tuple[frozenset[int], frozenset[Identity]]:
    """The devices of pseudo file systems, and the system's folders by device and inode."""
    devices, folders = set(), set()
    with contextlib.suppress(OSError), open(MOUNTS, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        for line in file:
            ahead, _, behind = line.partition(" - ")
            with contextlib.suppress(ValueError, IndexError):
                if behind.split()[0] in PSEUDO:
                    devices.add(os.makedev(*map(int, ahead.split()[2].split(":"))))
    for folder in SYSTEM_FOLDERS:
        with contextlib.suppress(OSError):
            info = os.stat(folder)  # noqa: PTH116
            folders.add((info.st_dev, info.st_ino))
    return frozenset(devices), frozenset(folders)
