"""What an archive holds, member by member, and which names a member may have."""

from __future__ import annotations

import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import IO

from labcore.audio.containers import AUDIO_SUFFIXES, FOREIGN_SUFFIXES
from labcore.datasets.scan import hidden, suffix_of
from labcore.errors import DatasetError
from labcore.texts import as_bytes, shown
from labcore.workspace import folded, folds_case

MOST_MEMBERS = 500_000
MOST_RATIO = 50
"""So many times its own size all that an archive holds may be; archives of sounds come to two or three."""
SMALL_BYTES = 1024**3
"""An archive that unpacks to no more may be packed as tightly as it likes."""
LONGEST_NAME, LONGEST_PATH, DEEPEST = 255, 3000, 100
"""Bytes of a name, bytes of a path and folders in each other that file systems take, with some room for the workspace's own path."""
PAPERS = frozenset(
    [
        ".csv",
        ".tsv",
        ".txt",
        ".json",
        ".jsonl",
        ".ndjson",
        ".parquet",
        ".lst",
        ".list",
        ".md",
        ".yaml",
        ".yml",
        ".textgrid",
        ".aoef",
        ".lab",
        ".labels",
    ]
)
"""Endings of files that say what the sounds are, and under what licence."""
DISTRUST = "Do not trust this file: nobody packs a data set like this. Fetch it again from where it is published"
DEREFERENCE = (
    "Where it is your own, pack what links lead to, as `tar --dereference --hard-dereference -cf set.tar FOLDER` and `zip -r` do. "
    "Otherwise do not trust this file"
)
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(OSError, EOFError, TypeError, ValueError, OverflowError, RuntimeError, struct.error),
)
"""What is raised where bytes are no archive, or not the one that its beginning says."""
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        parts: of its path in the data set.
        size: in bytes, unpacked.
        opened: gives its content; to be called, and read, before the next member is asked for.
        made: the lab made it out of what the archive holds.
    """

    parts: tuple[str, ...]
    size: int
    opened: Callable[[], AbstractContextManager[IO[bytes]]]
    made: bool = False

    @contextmanager
    def reading(self) -> Iterator[IO[bytes]]:
        """Its content, to be read inside the block.

        Raises:
            DatasetError: it is damaged, or cut off.
        """
        try:
            with self.opened() as content:
                yield content
        except DAMAGED as error:
            what = f"{self.name} cannot be unpacked: {error or type(error).__name__}"
            raise DatasetError(what, "The archive is damaged or cut off: fetch it again") from error

    @property
    def name(self) -> str:
        """Its path for people."""
        return shown("/".join(self.parts))

    @property
    def suffix(self) -> str:
        return suffix_of(self.parts[-1])

    @property
    def is_audio(self) -> bool:
        return self.suffix in AUDIO_SUFFIXES or self.suffix in FOREIGN_SUFFIXES

    @property
    def is_paper(self) -> bool:
        return self.suffix in PAPERS or (not self.suffix and self.size < 1024**2)


@dataclass(frozen=True)
class Reading:
    """How the names in an archive were read that does not say how they are written.

    Attributes:
        what: that, in words that follow the name of the archive.
        remedy: a sentence without the final stop.
        sure: no other reading makes sense.
    """

    archive: str
    what: str
    remedy: str
    sure: bool


@dataclass
class Names:
    """The names of an archive as they come, each judged by itself and against those before it.

    Attributes:
        archive: what errors call it.
        refused: names that are left out, each with why, in words that follow it.
        readings: archives whose names may be written otherwise.
        disk: a folder of the disk that the files go to; what that takes for one name counts.
    """

    archive: str
    refused: list[tuple[str, str]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    disk: InitVar[Path | None] = None
    count: int = 0
    _files: set[tuple[str, ...]] = field(default_factory=set)
    _folders: set[tuple[str, ...]] = field(default_factory=set)
    _folded: dict[str, str] | None = None

    def __post_init__(self, disk: Path | None) -> None:
        if disk is not None and folds_case(disk):
            self._folded = {}

    def take(self, name: str) -> tuple[str, ...] | None:
        """The parts of a member's path; None for one that is left out: what operating systems leave in archives, and what no disk takes.

        Raises:
            DatasetError: it leads out of the archive, is a file and a folder, or there are more members than a data set has files.
        """
        self.count += 1
        if self.count > MOST_MEMBERS:
            raise DatasetError(
                f"{self.archive} holds more than {MOST_MEMBERS:,} files", "Give a part of it, unpacked, as a folder"
            )
        parts = parts_of(name)
        if ".." in parts or _ABSOLUTE.match(name.replace("\\", "/")) or "\0" in name:
            raise DatasetError(f"{self.archive} holds {_cut(name)}, a name that leads out of it", DISTRUST)
        if not parts or any(map(hidden, parts)) or parts[-1].casefold() in ("thumbs.db", "desktop.ini"):
            return None
        sizes = [len(as_bytes(part)) for part in parts]
        if max(sizes) > LONGEST_NAME or sum(sizes) + len(parts) > LONGEST_PATH or len(parts) > DEEPEST:
            self.refused.append((_cut(name), "has too long a name for a file"))
            return None
        if parts in self._files:
            self.refused.append((_cut(name), "comes twice; the first one is taken"))
            return None
        above = [parts[:depth] for depth in range(1, len(parts))]
        if parts in self._folders or not self._files.isdisjoint(above):
            raise DatasetError(f"{self.archive} holds {_cut(name)} as a file and as a folder", DISTRUST)
        if self._folded is not None and (other := self._same_on_disk((*above, parts))):
            self.refused.append(
                (_cut(name), f"has the name of {_cut(other)} but for the case, which is one for this disk")
            )
            return None
        self._files.add(parts)
        self._folders.update(above)
        return parts

    def _same_on_disk(self, paths: Iterable[tuple[str, ...]]) -> str:
        """The one before that a disk takes for one of these; "" where there is none."""
        assert self._folded is not None
        for path in map("/".join, paths):
            if (other := self._folded.setdefault(folded(path), path)) != path:
                return other
        return ""


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a member's path as it stands in an archive."""
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def check_ratio(archive: str, unpacked: int, packed: int) -> None:
    """Refuse an archive that would unpack to more than sounds can.

    Raises:
        DatasetError: it would.
    """
    if unpacked > SMALL_BYTES and unpacked > MOST_RATIO * packed:
        what = f"{archive} would unpack to {unpacked / max(1, packed):,.0f} times its size, which sounds never do"
        raise DatasetError(what, DISTRUST)


def not_a_file(archive: str, name: str, *, link: bool) -> DatasetError:
    """The error for a link, a device, and whatever else is no file."""
    what = f"{archive} holds {_cut(name)}, which is a {'link' if link else 'device'}, and no file"
    return DatasetError(what, DEREFERENCE if link else DISTRUST)


def _cut(name: str) -> str:
    text = repr(shown(name))[1:-1]
    return text if len(text) <= 120 else f"{text[:80]} … {text[-30:]}"
