"""Lists that name the files of each part of class folders, a line a file, as Speech Commands' validation_list.txt does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from labcore.datasets.csvtext import decode_text
from labcore.datasets.parts import part_named
from labcore.datasets.scan import Found, entries, is_audio, is_file
from labcore.datasets.table import Finding, some

SUFFIXES = (".txt", ".lst", ".list", ".csv")
LONGEST = 64 * 1024**2
"""Bytes; a longer text is no list of files."""


@dataclass(frozen=True)
class PartLists:
    """Which files are named for which part.

    Attributes:
        folds: file, as its parts in lower case → fold.
        names, paths: the lists that were taken.
        findings: what there is to tell about them.
        only_listed: one names the files to train on, so that those that none names are left out.
    """

    folds: dict[tuple[str, ...], str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    only_listed: bool = False

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def speech_commands(self) -> bool:
        return {"validation_list.txt", "testing_list.txt"} <= set(self.names)

    def fold_of(self, parts: tuple[str, ...]) -> str | None:
        """The fold of a file; "" where there are no lists, None where it is left out."""
        if not self.names:
            return ""
        return self.folds.get(_key(parts), None if self.only_listed else "train")

    @classmethod
    def beside(cls, root: Path, found: Found) -> PartLists:
        """The lists in a folder of class folders; none where no list names files that are there."""
        there = {_key(parts): parts for parts in found.files}
        folds: dict[tuple[str, ...], str] = {}
        names, twice, gone = [], 0, []
        for entry in entries(root):
            stem, _, ending = entry.name.rpartition(".")
            named = part_named(stem)
            if f".{ending.lower()}" not in SUFFIXES or named is None:
                continue
            listed = _lines(root / entry.name)
            known = [key for key in listed if key in there]
            if len(known) < 0.5 * len(listed) or not known:
                continue
            names.append(entry.name)
            gone += ["/".join(key) for key in listed if key not in there]
            for key in known:
                twice += folds.setdefault(key, named.part) != named.part
        if not names:
            return cls()
        only_listed = "train" in folds.values()
        unlisted = sorted("/".join(parts) for key, parts in there.items() if key not in folds) if only_listed else []
        paths = tuple(str(root / name) for name in names)
        return cls(folds, tuple(names), paths, tuple(_findings(root, names, twice, gone, unlisted)), only_listed)


def _findings(root: Path, names: list[str], twice: int, gone: list[str], unlisted: list[str]) -> list[Finding]:
    lists = some(names)
    found = [Finding("part lists", f"the parts were read from {lists}", level="note")]
    if gone:
        found.append(Finding("missing", f"{len(gone)} files that {lists} name are missing: {some(gone)}", tuple(gone)))
    if twice:
        found.append(
            Finding(
                "listed twice",
                f"{twice} files are listed for two parts in {lists}; the first one is used",
                remedy="List each once",
            )
        )
    if unlisted:
        files = tuple(str(root / name) for name in unlisted)
        found.append(
            Finding(
                "unlisted",
                f"{len(unlisted)} files are not listed in {lists} and are skipped",
                files,
                "Add them to a list",
            )
        )
    return found


def _lines(path: Path) -> list[tuple[str, ...]]:
    """The files that a list names, as their parts; empty where it is none."""
    try:
        if not is_file(path) or path.stat().st_size > LONGEST:
            return []
        lines = decode_text(path.read_bytes()).splitlines()
    except OSError:
        return []
    names = [line.strip().strip('"').replace("\\", "/").removeprefix("./") for line in lines if line.strip()]
    if not names or sum(map(is_audio, names)) < 0.9 * len(names):
        return []
    return [_key(tuple(name.split("/"))) for name in names]


def _key(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)
