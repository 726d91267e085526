"""Which recording a file of annotations is about: the one that a row names, or the one that the file is named like."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

from labcore.audio import probe
from labcore.datasets.lookup import FileFinder, agreement, name_key
from labcore.datasets.timed.labels import UPLOADED
from labcore.errors import AudioError
from labcore.typed import plain_path

SKETCHED = (86_400.0, 48_000)
_MARKS = re.compile(r"[\W_]+")


class Recordings:
    """The sound files of a data set.

    Args:
        root: its folder.
        files: the sound files below, as their parts.
    """

    def __init__(self, root: Path, files: list[tuple[str, ...]]) -> None:
        self.root = root
        self.files = files
        self._finder = FileFinder(root)
        self._nearby: dict[Path, FileFinder] = {}
        self._known: dict[tuple[object, ...], str | ValueError] = {}
        self._by_name: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for parts in files:
            self._by_name[name_key(parts[-1])].append(parts)
            stem = os.path.splitext(parts[-1])[0]  # noqa: PTH122 (called for every file)
            self._by_name[name_key(stem)].append(parts)

    def named(self, name: str, annotations: Path) -> str:
        """The whole path of the recording that a row names: as it is written, from the file's folder on, or by its name below the root.

        Raises:
            ValueError: there is none, or several may be meant, in words.
        """
        return self._once(self._named, name, annotations.parent)

    def _once(self, look: Callable[..., str], *asked: object) -> str:
        """What was looked up before, also where nothing was found: a table names a recording once for each label."""
        key = (look.__name__, *asked)
        if key not in self._known:
            try:
                self._known[key] = look(*asked)
            except ValueError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, ValueError):
            raise known.with_traceback(None)
        return known

    def _named(self, name: str, folder: Path) -> str:
        near = self._nearby.setdefault(folder, FileFinder(folder)).find_near(name)
        found = near or self._below(name) or self._alike(name)
        if found is None:
            raise ValueError(f"there is no recording {plain_path(name) or name!r}")
        return str(found.absolute())

    def _below(self, name: str) -> Path | None:
        found = self._finder.find(name)
        return found[0] if found else None

    def _alike(self, name: str) -> Path | None:
        """A name of which a table has made several blanks one, or that Label Studio has put a mark before."""
        wanted = _loose(re.split(r"[\\/]", name)[-1])
        there = [parts for parts in self.files if _loose(parts[-1]) == wanted]
        return self.root.joinpath(*there[0]) if len(there) == 1 else None

    def like(self, annotations: Path, *, alone: bool) -> str:
        """The recording whose name a file's own begins with: ``night.wav`` of ``night.Table.1.selections.txt`` and ``night.wav.txt``.

        In the same folder first; else the one whose folders agree with the file's.

        Args:
            alone: there are no other annotations; where there is but one recording as well, they belong together.

        Raises:
            ValueError: there is none, or several may be meant, in words.
        """
        return self._once(self._like, annotations, alone)

    def _like(self, annotations: Path, alone: bool) -> str:
        ways = _ways(annotations, self.root)
        for name in _beginnings(annotations.name):
            there = self._by_name.get(name_key(name), [])
            here = [parts for parts in there if parts[:-1] == ways]
            best = here or _agreeing(there, ways)
            if len(dict.fromkeys(best)) > 1:
                told = ", ".join("/".join(parts) for parts in best[:3])
                raise ValueError(f"its name fits {len(best)} recordings: {told}")
            if best:
                return str(self.root.joinpath(*best[0]).absolute())
        if alone and len(self.files) == 1:
            return str(self.root.joinpath(*self.files[0]).absolute())
        raise ValueError("no recording is named like it, and it names none")

    @cached_property
    def hollow(self) -> bool:
        """Whether all files are empty, as those of a sketch are, which tells what an archive holds before it is unpacked."""
        paths = (self.root.joinpath(*parts) for parts in self.files)
        return bool(self.files) and all(path.stat().st_size == 0 for path in paths)

    def facts(self, path: str) -> tuple[float, int]:
        """How long a recording lasts in seconds, and its sample rate in Hz; of a sketch they are not known: long, and as usual.

        Raises:
            AudioError: it cannot be read.
        """
        with AudioError.on_os_error(f"{path} cannot be read", "Check its permissions"):
            info = os.stat(path)  # noqa: PTH116
        if info.st_size == 0 and self.hollow:
            return SKETCHED
        return _facts(path, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=65536)
def _facts(path: str, changed: int, size: int) -> tuple[float, int]:
    found = probe(path)
    if not found.seconds > 0:
        raise AudioError(f"{path} has no sound in it", "Remove it")
    return found.seconds, found.sample_rate


def _beginnings(name: str) -> list[str]:
    """What the name of a recording may be, from that of a file: the longest first, ending before a mark."""
    ends = [match.start() for match in _MARKS.finditer(name)]
    return [name[:end] for end in reversed(ends) if end]


def _ways(annotations: Path, root: Path) -> tuple[str, ...]:
    """The folders from the root to a file."""
    try:
        return annotations.parent.relative_to(root).parts
    except ValueError:
        return ()


def _agreeing(there: list[tuple[str, ...]], ways: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Those of some files whose last folders agree most with others."""
    wanted = [*map(name_key, ways), ""]
    agreeing = [(agreement(parts, wanted), parts) for parts in there]
    most = max((count for count, _ in agreeing), default=0)
    return [parts for count, parts in agreeing if count == most]


def _loose(name: str) -> str:
    return name_key(UPLOADED.sub("", " ".join(name.split())))
