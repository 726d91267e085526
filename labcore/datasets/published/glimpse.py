"""A folder as layouts look at it: what is needed to tell whether it is one of theirs is looked up once, and only when it is asked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labcore.datasets.class_folders import OUTER, ClassFolders
from labcore.datasets.cliplist import ClipList, lists_beside
from labcore.datasets.csvtext import decode_text
from labcore.datasets.lookup import for_lists
from labcore.datasets.scan import (
    Found,
    entries,
    find_audio,
    first_audio,
    is_audio,
    is_file,
    listed,
    open_regular,
    subfolders,
)
from labcore.datasets.table import Dataset, Finding
from labcore.datasets.timed.dataset import Annotated, annotations_in
from labcore.errors import DatasetError

FEW = 40
"""So many files are looked at before all are."""
AGREE = 0.9
"""So large a share of the files has to be named as a layout names them."""
HEAD = 4096
"""Bytes of a list that tell what it is."""
Reader = Callable[[str], Dataset]
"""Name → data set."""
Parts = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """A layout that is known.

    Attributes:
        name: what :attr:`labcore.datasets.Dataset.layout` says.
        title: what people call it.
        tree: what lies where, for people.
        recognise: the reader for a folder that is laid out so; None for any other.
        owns: whether a list is one of its own, so that who names the list means the whole data set.
        inner: folders in it by which people name it too.
    """

    name: str
    title: str
    tree: str
    recognise: Callable[[Glimpse], Reader | None]
    owns: Callable[[Path], bool] = lambda path: False
    inner: tuple[str, ...] = ()


class Glimpse:
    """A folder.

    Args:
        folder: it is there, and may be opened.
        class_folders: which of two levels of folders in it are the classes.
    """

    def __init__(self, folder: Path, class_folders: ClassFolders = OUTER) -> None:
        self.folder, self.class_folders = folder, class_folders

    @cached_property
    def first(self) -> list[Parts]:
        """The first audio files, as the parts of their paths."""
        return list(itertools.islice(first_audio(self.folder), FEW))

    @cached_property
    def found(self) -> Found:
        """All audio files."""
        return find_audio(self.folder)

    @cached_property
    def folders(self) -> list[str]:
        """Names of the folders in it."""
        return subfolders(self.folder)

    @cached_property
    def files(self) -> list[str]:
        """Names of what lies in it and is not audio, and in folders for lists, as paths from here."""
        places = ["", *(name for name in self.folders if for_lists(Path(name)))]
        held = ((place, entry) for place in places for entry in listed(self.folder / place))
        return [f"{place}/{entry.name}".lstrip("/") for place, entry in held if not is_audio(entry.name)]

    @cached_property
    def lists(self) -> tuple[list[tuple[ClipList, str]], list[Finding]]:
        """The lists of clips in it: see :func:`labcore.datasets.cliplist.lists_beside`."""
        return lists_beside(self.folder, self.annotated.paths if self.annotated else frozenset())

    @cached_property
    def annotated(self) -> Annotated | None:
        """The files of time-stamped annotations in it."""
        return annotations_in(self.folder)

    def all_named(self, fits: Callable[[Parts], object]) -> bool:
        """Whether the audio files are named as a layout names them: the first ones are looked at, then all of them."""
        for files in (lambda: self.first, lambda: self.found.files):
            there = files()
            if not there or sum(bool(fits(parts)) for parts in there) < AGREE * len(there):
                return False
        return True

    def holds(self, *names: str) -> bool:
        """Whether there is a file or folder of each of these names."""
        there = {entry.name for entry in entries(self.folder)}
        return all(name in there for name in names)

    def sheets(self, *endings: str) -> Iterator[Path]:
        """The lists in it with some endings."""
        for name in self.files:
            if name.lower().endswith(endings) and is_file(self.folder / name):
                yield self.folder / name


def head_of(path: Path) -> str:
    """The beginning of a text, without what marks its encoding; "" where it cannot be read."""
    try:
        with open_regular(path) as file:
            return decode_text(file.read(HEAD))
    except (OSError, DatasetError):
        return ""


def columns_in(head: str) -> list[set[str]]:
    """The cells of each of the first lines of a list, in lower case, whatever separates them."""
    lines = [re.split(r"[,;\t|]", line.lstrip("\ufeff# ")) for line in head.splitlines()[:6]]
    return [{cell.strip().strip('"').casefold() for cell in cells} for cells in lines]
