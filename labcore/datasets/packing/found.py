"""Which archives there are at a path, and what they hold in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import IO

from labcore.datasets.packing import parquet, tarred, webdataset, zipped
from labcore.datasets.packing.members import PAPERS, Member, Names
from labcore.datasets.scan import folders_in, is_audio, is_dir, is_file, is_folder, listed, suffix_of
from labcore.errors import DatasetError

ZIP, TAR, SHEETS = (".zip",), ".tar", (".parquet",)
ARCHIVES = (*ZIP, *tarred.SUFFIXES)
LEVELS = 2
"""So many folders below another one tars and Parquet files are looked for."""
MOST_FOLDERS = 200


@dataclass(frozen=True)
class Packed:
    """Archives that make one data set.

    Attributes:
        path: the archive, or the folder of several.
        files: the archives, and the lists that lie beside them.
        title: what they are, for people.
    """

    path: Path
    files: tuple[Path, ...]
    title: str

    @property
    def is_archive(self) -> bool:
        """Whether its files are those of the data set as they are."""
        return self.title in (ARCHIVE, FILES)

    @property
    def is_open(self) -> bool:
        """Whether nothing of it is packed."""
        return self.title == FILES and not any(_is(path, ARCHIVES) for path in self.files)

    def members(self, names: Names) -> Iterator[Member]:
        """What they hold, as the files of the data set that they are unpacked to.

        Raises:
            DatasetError: one is damaged, or holds what no data set does.
        """
        if self.title == WEBDATASET:
            yield from webdataset.members(self._placed(), names)
        elif self.title == PARQUET:
            yield from parquet.members(self._placed(), names)
        else:
            folders = self._folders()
            for path in self.files:
                if _is(path, ZIP):
                    yield from zipped.members(path, names, folders.get(path, ""))
                elif _is(path, ARCHIVES):
                    yield from tarred.members(path, names)
                elif (parts := names.take(str(path.relative_to(self.path)))) is not None:
                    yield Member(parts, path.stat().st_size, partial(_opened, path))

    def _folders(self) -> dict[Path, str]:
        """The folder that each zip archive with sounds becomes, where two of them call different sounds or lists alike: so they are no
        parts of one folder, as ``dog.zip`` and ``cat.zip`` with a ``1.wav`` each, or ``train.zip`` and ``test.zip`` with a
        ``dog/1.wav``."""
        zips = [path for path in self.files if _is(path, ZIP)]
        held = {path: zipped.contents(path) for path in zips} if len(zips) > 1 else {}
        contents: dict[tuple[str, ...], set[tuple[int, int]]] = {}
        for parts, content in (each for files in held.values() for each in files.items()):
            contents.setdefault(parts, set()).add(content)
        apart = any(len(each) > 1 for each in contents.values())
        with_sounds = [path for path, files in held.items() if any(is_audio(parts[-1]) for parts in files)]
        return {path: stem_of(path) for path in with_sounds} if apart else {}

    def _placed(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        for path in self.files:
            place = path.relative_to(self.path).parts if path != self.path else (path.name,)
            yield path, (*place[:-1], stem_of(Path(place[-1])))


class PackedError(DatasetError):
    """Nothing can be read where it lies, since it is packed."""

    def __init__(self, path: Path) -> None:
        what, them = (f"{path} is packed", "it") if path.is_file() else (f"the sounds in {path} are packed", "them")
        super().__init__(what, f"Unpack {them} into the workspace: `labcore datasets import {quote(str(path))}`")


WEBDATASET, PARQUET, ARCHIVE, FILES = "WebDataset", "Parquet with sounds", "archive", "files"


def packed_at(path: Path) -> Packed | None:
    """The archives at a path; None where there are none.

    Raises:
        DatasetError: one is damaged.
    """
    files = packed_files(path)
    if not files:
        return None
    if _is(files[0], SHEETS):
        return Packed(path, files, PARQUET)
    if all(_is(each, tarred.SUFFIXES) for each in files) and webdataset.is_webdataset(files[0]):
        return Packed(path, files, WEBDATASET)
    return Packed(path, (*files, *_lists_beside(path)), ARCHIVE)


def _lists_beside(path: Path) -> tuple[Path, ...]:
    """The lists and texts in a folder of archives, which say what the sounds in these are."""
    if not is_dir(path):
        return ()
    names = (entry.name for entry in listed(path) if suffix_of(entry.name) in PAPERS and is_file(entry.path))
    return tuple(path / name for name in names)


def handed_in(folder: Path) -> Packed:
    """What somebody put into a folder of the lab's: archives, sounds and lists, also beside each other.

    Raises:
        DatasetError: one is damaged.
    """
    files = tuple(sorted(each for each in folder.rglob("*") if not each.is_dir()))
    packed = packed_at(folder) if any(_is(each, (*ARCHIVES, *SHEETS)) for each in files) else None
    if packed is not None and set(packed.files) == set(files):
        return packed
    return Packed(folder, files, FILES)


def packed_files(path: Path) -> tuple[Path, ...]:
    """The archives at a path: itself, those in a folder, or the tars of samples and the Parquet files with sounds below it."""
    if is_file(path):
        packed = _is(path, ARCHIVES) or (_is(path, SHEETS) and parquet.holds_sounds(path))
        return (path,) if packed else ()
    if not is_dir(path):
        return ()
    folders = folders_in(listed(path))
    archives = archives_in(path)
    if archives and not folders:
        return archives
    level, shards = [path], list[Path]()
    for _ in range(LEVELS + 1):
        held = [(folder, entry) for folder in level[:MOST_FOLDERS] for entry in listed(folder)]
        shards += [
            folder / entry.name
            for folder, entry in held
            if _is(Path(entry.name), (TAR, *SHEETS)) and is_file(entry.path)
        ]
        level = [folder / entry.name for folder, entry in held if is_folder(entry)]
    tars = tuple(each for each in shards if _is(each, (TAR,)))
    if tars and webdataset.is_webdataset(tars[0]):
        return tars
    sheets = tuple(each for each in shards if _is(each, SHEETS))
    return sheets if sheets and parquet.holds_sounds(sheets[0]) else ()


def archives_in(folder: Path) -> tuple[Path, ...]:
    """The zip and tar files in a folder."""
    names = (entry.name for entry in listed(folder) if _is(Path(entry.name), ARCHIVES) and is_file(entry.path))
    return tuple(folder / name for name in names)


def stem_of(path: Path) -> str:
    """The name of an archive without its ending."""
    ending = next((each for each in sorted(tarred.SUFFIXES, key=len, reverse=True) if _is(path, (each,))), path.suffix)
    return path.name[: len(path.name) - len(ending)] or path.name


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _is(path: Path, endings: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(endings)
