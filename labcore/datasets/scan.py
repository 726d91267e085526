"""Finding audio files in a folder: what is hidden or not audio is passed over."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from labcore.allowed_paths import is_open
from labcore.audio.containers import AUDIO_SUFFIXES, FOREIGN_SUFFIXES
from labcore.datasets.table import DataProblem
from labcore.datasets.walk import Identity, TooMuchError, WalkBudget, at_hand
from labcore.errors import DatasetError
from labcore.reading import DamagedError, open_file

MOST_CHILDREN = 200
"""So many folders in a folder are looked into for sounds of other formats."""
NOT_CLASSES = ("_background_noise_",)  # the folder of long noises in Speech Commands


@dataclass
class Found:
    """``files`` are paths relative to the scanned folder, as tuples of their parts, sorted."""

    files: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[DataProblem] = field(default_factory=list)
    passed_over: int = 0


def hidden(name: str) -> bool:
    """Hidden files, macOS's ``._`` doubles, the folders of macOS and Python, and drafts of data sets."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__")


def suffix_of(name: str) -> str:
    """The ending of a file's name in lower case; blanks behind it do not count."""
    stem, _, ending = name.rstrip().rpartition(
        "."
    )  # as os.path.splitext, in a third of the time: called for every file
    return f".{ending.lower()}" if stem.strip(".") else ""


def is_audio(name: str) -> bool:
    return suffix_of(name) in AUDIO_SUFFIXES


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds and does not hide, sorted by name.

    Raises:
        DatasetError: it cannot be listed, or lies where this lab opens nothing for visitors.
    """
    with DatasetError.on_os_error(f"the folder {folder} cannot be read", "Check its permissions"):
        if not is_open(folder):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with os.scandir(folder) as listing:
            return sorted([entry for entry in listing if not hidden(entry.name)], key=attrgetter("name"))


def listed(folder: Path) -> list[os.DirEntry[str]]:
    """The same of a folder that may be one that cannot be listed: it holds nothing then, and who reads the data set tells of it."""
    try:
        return entries(folder)
    except DatasetError:
        return []


def open_regular(path: Path) -> BinaryIO:
    """Open a file of a data set that is no sound: a list, annotations. Never waits, as opening a pipe would.

    Raises:
        OSError: it is not there, is no regular file, may not be read, or lies where this lab opens nothing for visitors.
    """
    if not is_open(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    try:
        return open_file(path)
    except DamagedError as error:
        raise OSError(errno.EINVAL, "it is not a regular file") from error


def is_file(path: str | Path) -> bool:
    """Whether a file is there that may be opened; False for a name that no file can have."""
    return os.path.isfile(path) and is_open(path)  # noqa: PTH113


def is_dir(path: str | Path) -> bool:
    """The same of a folder."""
    return os.path.isdir(path) and is_open(path)  # noqa: PTH112


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in a folder.

    Raises:
        DatasetError: it cannot be listed.
    """
    return folders_in(entries(folder))


def folders_in(held: Iterable[os.DirEntry[str]]) -> list[str]:
    """Names of the folders among what a folder holds."""
    return [entry.name for entry in held if is_folder(entry)]


def find_audio(folder: Path, *, foreign: bool = False, noises: bool = False) -> Found:
    """All audio files under a folder, however deep, within the bounds of :mod:`labcore.datasets.walk`.

    Args:
        foreign: kinds that only the optional decoder reads are files too, no problems: decoding tells whether it is there.
        noises: folders of noises, which are no class, are looked into as well.

    Raises:
        DatasetError: the folder cannot be listed, or is one of the system.
        TooMuchError: it holds more than a data set can.
    """
    found = Found()
    wanted = AUDIO_SUFFIXES | FOREIGN_SUFFIXES if foreign else AUDIO_SUFFIXES

    def unlisted(path: Path) -> None:
        found.problems.append(DataProblem(str(path), "is a folder that cannot be read"))

    for parts, entry in _Walk(unlisted, () if noises else NOT_CLASSES).files(folder):
        suffix = suffix_of(entry.name)
        if (suffix in wanted or not suffix) and _leads_nowhere(entry):
            found.problems.append(DataProblem(entry.path, "is a broken link"))
        elif suffix in wanted:
            found.files.append((*parts, entry.name))
        elif suffix in FOREIGN_SUFFIXES:
            what = f"is audio of an unsupported format ({suffix}); convert it to WAV or FLAC"
            found.problems.append(DataProblem(entry.path, what))
        else:
            found.passed_over += 1
    return found


def find_by_suffix(folder: Path, suffixes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Files of some endings (in lower case, with the dot) below a folder, as their parts, sorted; within the same bounds.

    Raises:
        DatasetError: the folder cannot be listed, or is one of the system.
        TooMuchError: it holds more than a data set can.
    """
    walk = _Walk(lambda _: None)
    return [(*parts, entry.name) for parts, entry in walk.files(folder) if entry.name.lower().endswith(suffixes)]


def first_audio(folder: Path) -> Iterator[tuple[str, ...]]:
    """The audio files under a folder, as :class:`Found` has them, one after the other: for whoever needs the first ones only.

    Raises:
        DatasetError, TooMuchError: as for :func:`find_audio`.
    """
    walk = _Walk(lambda _: None)
    return ((*parts, entry.name) for parts, entry in walk.files(folder) if is_audio(entry.name))


def foreign_audio(folder: Path) -> Counter[str]:
    """Ending → files of audio that data sets do not read, in a folder and in those in it."""
    held = listed(folder)
    below = (entry for child in folders_in(held)[:MOST_CHILDREN] for entry in listed(folder / child))
    endings = (suffix_of(entry.name) for entry in (*held, *below))
    return Counter(ending for ending in endings if ending in FOREIGN_SUFFIXES)


def holds_audio(folder: Path) -> bool:
    """Whether there is any audio file under a folder; stops at the first. One that cannot be listed holds none.

    Raises:
        TooMuchError: more was looked through than a data set can hold.
    """
    try:
        return any(True for _ in first_audio(folder))
    except TooMuchError:
        raise
    except DatasetError:
        return False


@dataclass
class _Walk:
    """The files below a folder, each as the folders that lead to it and its entry, folder by folder in sorted order.

    Links are followed, loops are not: below a link no other link leads to a folder that was looked at already, which keeps a tree of links
    that point at each other from being walked on every way there is.

    Attributes:
        trouble: told of folders below that cannot be listed.
        without: names of folders that are passed over.
    """

    trouble: Callable[[Path], None]
    without: tuple[str, ...] = NOT_CLASSES
    # no context of its own: a generator would leave it set for whoever it yields to
    look: WalkBudget = field(default_factory=lambda: at_hand.get() or WalkBudget())
    seen: set[Identity] = field(default_factory=set)

    def files(
        self, folder: Path, parts: tuple[str, ...] = (), above: tuple[Identity, ...] = (), linked: bool = False
    ) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
        """``linked``: it was reached by a link.

        Raises:
            DatasetError: the folder itself cannot be listed, or is one of the system.
            TooMuchError: it holds more than a data set can.
        """
        try:
            info = folder.stat()
            if not parts:
                self.look.refuse_system(folder)
            elif self.look.is_system(info):
                return
            held = entries(folder)
        except (OSError, DatasetError) as error:
            if not parts and isinstance(error, DatasetError):
                raise
            self.trouble(folder)
            return
        identity = (info.st_dev, info.st_ino)
        if identity in above:  # a link to a folder that leads here
            return
        again = identity in self.seen
        self.seen.add(identity)
        folders = set(folders_in(held))
        if self.look.counts(identity, again):
            names = [entry.name for entry in held if entry.name not in folders]
            self.look.saw(folder, len(names), sum(map(is_audio, names)))
        for entry in held:
            if entry.name not in folders:
                yield parts, entry
            elif entry.name not in self.without and not (linked and entry.is_symlink() and self._knows(entry)):
                below = linked or entry.is_symlink()
                yield from self.files(folder / entry.name, (*parts, entry.name), (*above, identity), below)

    def _knows(self, entry: os.DirEntry[str]) -> bool:
        try:
            info = entry.stat()
        except OSError:
            return False
        return (info.st_dev, info.st_ino) in self.seen


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; False where nobody can say, or may."""
    try:
        return entry.is_dir() and not (entry.is_symlink() and not is_open(entry.path))
    except OSError:
        return False


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to nothing, or to where this lab opens nothing for visitors, which is the same to them."""
    return entry.is_symlink() and not (os.path.exists(entry.path) and is_open(entry.path))  # noqa: PTH110 (this never raises)
