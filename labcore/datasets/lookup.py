"""Where the file lies that a cell of a list names: as it is written, or found by its name below the folder."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from labcore.datasets.scan import find_audio, holds_audio, is_audio, is_dir, is_file
from labcore.datasets.walk import looking
from labcore.errors import DatasetError
from labcore.texts import composed
from labcore.typed import names_in, plain_path
from labcore.workspace import folded, folds_case

ENDINGS = ("", ".wav", ".flac", ".ogg", ".mp3")
LIST_FOLDERS = {
    *("meta", "metadata", "label", "labels", "annotation", "annotations", "list", "lists", "filelists", "csv", "csvs"),
    *("split", "splits", "setup", "doc", "docs"),
}
"""Words in the names of folders that hold lists beside the audio."""
LEGACY = ("cp1252", "cp850", "cp437")
"""How a name that is not UTF-8 may have been written."""


class FileFinder:
    """Finds the files that a list names.

    Args:
        base: the folder of the list.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self._names: dict[Path, dict[str, str]] = {}  # folder → its names, by themselves and folded

    def find(self, cell: str) -> tuple[Path, bool] | None:
        """The file, and whether it is beyond doubt: not where only its name agrees, but its folder is another. None where it is missing.

        It is looked for relative to the list, to an ``audio`` folder beside it, and to the folder above; then by its name anywhere
        below the folder. Understood are Windows' paths, ``~``, ``file://``, names without an ending, and names in another case.

        Raises:
            ValueError: several files fit, in words.
        """
        if (near := self.find_near(cell)) is not None:
            return near, True
        cell = plain_path(cell)
        return self._by_name(cell.replace("\\", "/")) if cell else None

    def find_near(self, cell: str) -> Path | None:
        """The file at its place as it is written, from one of the folders nearby on."""
        cell = plain_path(cell)
        if not cell:
            return None
        for spelling in _spellings(cell):
            for folder in self._near:
                for ending in ENDINGS[:1] if is_audio(spelling) else ENDINGS:
                    # os.path and not Path: several times faster, and this is done for every row
                    if is_file(path := os.path.join(folder, spelling + ending)):  # noqa: PTH118
                        return self._as_on_disk(Path(folder), Path(spelling + ending)) if self._folds else Path(path)
        return None

    @cached_property
    def _folds(self) -> bool:
        return folds_case(self.base)

    def _as_on_disk(self, folder: Path, way: Path) -> Path:
        """A file as the disk spells its way from a folder on, where that takes other spellings too: it has one name then, which is the
        same on another disk."""
        there = folder / way.anchor
        for part in way.relative_to(way.anchor).parts:
            if there not in self._names:
                names = names_in(there)
                self._names[there] = {folded(name): name for name in names} | {name: name for name in names}
            names_there = self._names[there]
            there /= names_there.get(part) or names_there.get(folded(part), part)
        return there

    def _by_name(self, cell: str) -> tuple[Path, bool] | None:
        """The one file below the folder that has the name; of several the one whose folders agree with the cell's."""
        wanted = [name_key(part) for part in cell.split("/") if part not in ("", ".", "..")]
        if not wanted:
            return None
        there = self._index.get(wanted[-1], [])
        agreeing = [(agreement(parts, wanted), parts) for parts in there]
        most = max((count for count, _ in agreeing), default=0)
        best = [parts for count, parts in agreeing if count == most]
        exact = [parts for parts in best if parts[-1] == cell.rpartition("/")[2]]
        best = exact if len(best) > 1 and exact else best
        if len(best) > 1:
            shown = ", ".join("/".join(parts) for parts in best[:3])
            raise ValueError(f"fits {len(best)} files: {shown}")
        return (self._searched.joinpath(*best[0]), len(wanted) == 1 or most > 1) if best else None

    @cached_property
    def _near(self) -> list[str]:
        folders = (self.base, self.base / "audio", self.base.parent / "audio", self.base.parent)
        return [str(folder) for folder in folders if is_dir(folder)]

    @cached_property
    def _searched(self) -> Path:
        """The folder of the list, or the one above where the list lies in a folder for lists that holds no audio."""
        up = for_lists(self.base) and self.base.parent.name and not holds_audio(self.base)
        return self.base.parent if up else self.base

    @cached_property
    def _index(self) -> dict[str, list[tuple[str, ...]]]:
        index: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        try:
            with looking(anew=True):  # a list may lie in a folder of many things, and name its files by whole paths
                files = find_audio(self._searched).files
        except DatasetError:
            files = []
        for parts in files:
            index[name_key(parts[-1])].append(parts)
            index[name_key(os.path.splitext(parts[-1])[0])].append(parts)  # noqa: PTH122 (called for every file)
        return index


def for_lists(folder: Path) -> bool:
    """Whether a folder is called as one that holds lists and no audio."""
    return not LIST_FOLDERS.isdisjoint(re.split(r"[\W_]+", folder.name.casefold()))


def _spellings(cell: str) -> Iterator[str]:
    """Ways in which a name can be written on the disk."""
    slashed = cell.replace("\\", "/")
    seen = set()
    for text in (cell, slashed):
        for spelling in (text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD")), *_in_bytes(text)):
            if spelling not in seen:
                seen.add(spelling)
                yield spelling


def _in_bytes(text: str) -> Iterator[str]:
    if text.isascii():
        return
    for encoding in LEGACY:
        try:
            yield os.fsdecode(text.encode(encoding))
        except UnicodeEncodeError:
            continue


def name_key(name: str) -> str:
    """What names that differ in case, in blanks around them, or in how their letters are composed, have in common."""
    return composed(name).strip().casefold()


def agreement(parts: tuple[str, ...], wanted: list[str]) -> int:
    """How many parts of two paths agree, from their ends; the name itself does, with or without its ending.

    Args:
        wanted: as :func:`name_key` makes them.
    """
    count = 1
    for mine, theirs in zip(reversed(parts[:-1]), reversed(wanted[:-1]), strict=False):
        if name_key(mine) != theirs:
            break
        count += 1
    return count
