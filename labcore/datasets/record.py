"""The clips that a run began with, so that it goes on with the same ones wherever they lie by then.

A run keeps them as ``clips.json.gz``: each clip's path below the data set's folder, its size, label, span, and the part of the split that
it is in. A checkpoint carries the digest of that. Where the data set lay stands beside it, for people and in no digest, so that a data set
that was moved, or that lies in a workspace that was, is the same one.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore.datasets.cells import labels_of
from labcore.datasets.table import Dataset, Split, way_from
from labcore.errors import DatasetError
from labcore.reading import open_file, parse_json
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import size_of, write_atomically

FORMAT = 1
FILE = "clips.json.gz"
PARTS = TRAIN, HELD_OUT, VALIDATION = "train", "held out", "validation"
MOST_BYTES = 2**30
"""A record is not larger than this when it is unpacked: some five million clips."""
SHOWN = 3
"""So many differing clips are named."""


@dataclass(frozen=True)
class Clip:
    """A clip of a record. ``path`` is the way from the data set's folder on, ``part`` one of :data:`PARTS`, or "" for none."""

    path: str
    bytes: int
    label: str
    start_s: float
    end_s: float | None
    part: str

    @property
    def key(self) -> tuple[str, float]:
        return self.path, self.start_s

    @property
    def words(self) -> str:
        return self.path if not self.start_s else f"{self.path} from {self.start_s:g} s"


@dataclass(frozen=True)
class ClipRecord:
    """The clips of a data set as a run takes them, in their order.

    Attributes:
        root: the data set's folder, or its list.
        folder: what the clips' paths begin from.
        labels: in the order of the network's outputs.
        drawn_in: for a run whose folds were drawn by absolute paths, where its data set lay then; see
            :func:`labcore.datasets.folds.drawn_in`.
    """

    root: str
    folder: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    drawn_in: str = ""

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        table: pd.DataFrame,
        parts: Split | None = None,
        labels: Sequence[str] = (),
        drawn_in: str = "",
    ) -> ClipRecord:
        """The clips of a table, which is that of the data set or of its clip store, as a split divides them."""
        folder = dataset.folder
        part_of = np.full(len(table), "", dtype=object)
        if parts is not None:
            for name, rows in zip(PARTS, (parts.train, parts.held_out, parts.validation), strict=True):
                part_of[rows] = name
        spans = zip(table["path"], table["label"], table["start_s"], table["end_s"], part_of, strict=True)
        clips = tuple(
            Clip(way_from(folder, path), size_of(path), label, float(start), None if end != end else float(end), part)
            for path, label, start, end, part in spans
        )
        return cls(str(dataset.root), folder, tuple(labels), clips, drawn_in)

    @property
    def fingerprint(self) -> str:
        """Equal for equal clips, wherever they lie."""
        return hashlib.sha256(json.dumps(self._facts()).encode()).hexdigest()

    @property
    def held_out_files(self) -> str:
        """Equal where the same files are held out, however clips are cut from them."""
        files = {(clip.path, clip.bytes) for clip in self.clips if clip.part == HELD_OUT}
        return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()

    @property
    def untrained(self) -> list[str]:
        """The labels of held-out clips that no training clip has, sorted."""
        cells = {part: {clip.label for clip in self.clips if clip.part == part} for part in (TRAIN, HELD_OUT)}
        known = set(self.labels)
        learnt, asked = (
            {label for cell in each for label in ((cell,) if cell in known else labels_of(cell))}
            for each in cells.values()
        )
        return sorted(asked - learnt)

    def _facts(self) -> list[Any]:
        rows = [[clip.path, clip.bytes, clip.label, clip.start_s, clip.end_s, clip.part] for clip in self.clips]
        return [FORMAT, list(self.labels), rows]

    def fingerprint_in(self, folder: str) -> str:
        """What the first checkpoints carry in its place: of absolute paths and no sizes, as it was where the clips lay in ``folder``."""
        clips = [[f"{folder}/{clip.path}", clip.label, clip.start_s] for clip in self.clips]
        rows = {name: [n for n, clip in enumerate(self.clips) if clip.part == name] for name in PARTS}
        facts: list[Any] = [clips, rows["train"], rows["held out"], list(self.labels)]
        if rows["validation"]:
            facts.append(rows["validation"])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    # --- on disk

    def save(self, run: Run) -> None:
        """Keep it in a run.

        Raises:
            WorkspaceError: the disk is full or the run is gone.
        """
        self.write(run.path / FILE)

    def write(self, path: Path) -> None:
        """Write it into a file; raises as :meth:`save`."""
        tree = {"root": self.root, "folder": self.folder, "drawn_in": self.drawn_in, "facts": self._facts()}
        write_atomically(path, gzip.compress(json.dumps(tree).encode(), mtime=0))

    @classmethod
    def load(cls, run: Run) -> ClipRecord | None:
        """That of a run; None where it has none, as before its first start, or it cannot be read."""
        return cls.read(run.path / FILE)

    @classmethod
    def read(cls, path: Path) -> ClipRecord | None:
        """That of a file; None where there is none, or it cannot be read."""
        with contextlib.suppress(OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
            with open_file(path) as file, gzip.open(file) as content:
                tree = parse_json(content.read(MOST_BYTES))
            known, labels, rows = tree["facts"]
            if known == FORMAT:
                clips = tuple(Clip(*row) for row in rows)
                return cls(tree["root"], tree["folder"], tuple(labels), clips, tree["drawn_in"])
        return None

    # --- what is different

    def changes_to(self, now: ClipRecord, *, whole: bool = True) -> str:
        """How other clips differ from these, in words; "" where they are the same.

        Args:
            now: the other ones.
            whole: they are all there are, parted. Otherwise they are those of a data set, of which a run may leave some out, and
                which nobody has parted yet.
        """
        then, there = ({clip.key: clip for clip in record.clips} for record in (self, now))
        found = _absent(self, now, "is not there")
        found += _absent(now, self, "is new") if whole else []
        pairs = [(clip, there[key]) for key, clip in then.items() if key in there]
        found += [f"{clip.words} {words}" for clip, other in pairs if (words := _difference(clip, other))]
        if whole:  # last, since one clip more or less moves many from part to part
            found += [
                f"{clip.words} is in another part of the split ({other.part or 'none'} instead of {clip.part or 'none'})"
                for clip, other in pairs
                if clip.part != other.part
            ]
            if not found and self._facts() != now._facts():
                found = ["the clips, or their classes, come in another order"]
        if not found:
            return ""
        more = len(found) - SHOWN
        return "; ".join(found[:SHOWN]) + (f"; and {counted(more, 'more difference')}" if more > 0 else "")


def in_parts(dataset: Dataset, known: ClipRecord, fold: str) -> Dataset:
    """The clips of a data set that a run trained on, as the fold "train", and those that it held out, as the fold of this name.

    Raises:
        DatasetError: none of them is in the data set.
    """
    names = {TRAIN: _trained(fold), HELD_OUT: fold}
    there = {clip.key: names[clip.part] for clip in known.clips if clip.part in names}
    folder = dataset.folder
    keys = zip(dataset.table["path"], dataset.table["start_s"], strict=True)
    folds = pd.Series([there.get((way_from(folder, path), float(start)), "") for path, start in keys], dtype=object)
    if not folds.any():
        raise DatasetError(f"none of the clips of the run is in {dataset.name}", "Put its files back as they were")
    table = dataset.table.assign(fold=folds)[folds != ""].reset_index(drop=True)
    return replace(dataset, table=table, fold_note="the clips that the run held out and trained on")


def as_recorded(dataset: Dataset, known: ClipRecord, fold: str) -> Dataset | None:
    """The clips of a data set that a record has, in its order and its parts: what is held out as the fold of this name, what is trained on
    as another one. None where one of the clips is not there or is another one by now."""
    there = ClipRecord.of(dataset, dataset.table)
    if known.changes_to(there, whole=False):
        return None
    row_of = {clip.key: row for row, clip in enumerate(there.clips)}
    names = {HELD_OUT: fold, TRAIN: _trained(fold), VALIDATION: _trained(fold)}
    table = dataset.table.iloc[[row_of[clip.key] for clip in known.clips]].reset_index(drop=True)
    folds = pd.Series([names.get(clip.part, "") for clip in known.clips], dtype=object)
    return replace(dataset, table=table.assign(fold=folds))


def _trained(fold: str) -> str:
    """What the fold of the training clips is called beside one that is held out."""
    return "train" if fold != "train" else "rest"


def _absent(record: ClipRecord, other: ClipRecord, words: str) -> list[str]:
    """What of a record another one lacks: a file of which it has no clip is told once, with its clips."""
    there, files = {clip.key for clip in other.clips}, {clip.path for clip in other.clips}
    many = Counter(clip.path for clip in record.clips if clip.path not in files)
    found = {
        clip.path if clip.path in many else clip.words: clip.path for clip in record.clips if clip.key not in there
    }
    return [
        f"{named} {words}" + (f" ({counted(many[path], 'clip')})" if many[path] > 1 else "")
        for named, path in found.items()
    ]


def _difference(then: Clip, now: Clip) -> str:
    if then.bytes != now.bytes:
        return f"has {counted(now.bytes, 'byte')} instead of {then.bytes}"
    if then.label != now.label:
        return f"is labelled {now.label!r} instead of {then.label!r}"
    if then.end_s != now.end_s:
        return f"ends at {_moment(now.end_s)} instead of {_moment(then.end_s)}"
    return ""


def _moment(seconds: float | None) -> str:
    return "the end of its file" if seconds is None else f"{seconds:g} s"
