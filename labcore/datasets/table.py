"""The clip table of a data set: one row a clip, and what became of the files that are not in it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labcore.datasets.cells import labels_of
from labcore.errors import DatasetError
from labcore.texts import ToldByFacts, as_bytes, counted, natural_key, shown

if TYPE_CHECKING:
    from labcore.datasets.corrections import Corrections
    from labcore.datasets.health import Health
    from labcore.datasets.remedies import ClipAt, Remedy
    from labcore.datasets.timed.dataset import Annotated

COLUMNS = ("path", "label", "fold", "group", "start_s", "end_s")
OWN_LABEL = "own_label"
"""A further column of a table whose labels are corrected: the label that the data set itself gives each clip."""
CHANNEL = "channel"
"""A further column of a table with clips of which one channel alone is heard: its number from 1 on, 0 for the mean of all."""
SEVERAL = "several_labels"
"""A further column of a table whose cells may hold several labels; True in each row. So whoever has the table alone knows."""
PARTS = ("train", "val", "test")
MISSING = "is missing"
"""What is said of a file that is not there, or not where clips may be opened."""


@dataclass(frozen=True)
class DataProblem:
    """A file or a row that is left out. ``what`` says why, in words that follow the path; ``clips`` of it are concerned."""

    path: str
    what: str
    clips: int = 1


def merged(problems: Iterable[DataProblem]) -> list[DataProblem]:
    """Each file once with each reason, however many of its parts are listed."""
    clips: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        clips[problem.path, problem.what] += problem.clips
    return [DataProblem(path, what, count) for (path, what), count in clips.items()]


def behind(path: str, what: str) -> str:
    """What an error says of a file, in words that follow its path."""
    return what.removeprefix(path).removeprefix(shown(path)).strip()


@dataclass(frozen=True)
class Finding:
    """Something to know about a data set before training on it.

    Attributes:
        kind: a word or two for whoever sorts findings.
        what: what was found, a full sentence without the final stop.
        files: those it is about, where it is about some.
        remedy: what to do about it, a full sentence without the final stop; may be empty.
        level: "warning" for what is probably not meant, "note" for what was read as what, and for what does no harm.
        clips: those it is about, where it is about some of the data set's.
        remedies: what can be done about it by the lab, the usual one first.
        about: tells it from others of its kind, where there may be several.
        details: what was measured of each of its clips, a word or two each; empty where nothing was.
        sets: its clips that belong together, as copies of one sound do; empty where each is by itself.
    """

    kind: str
    what: str
    files: tuple[str, ...] = ()
    remedy: str = ""
    level: str = "warning"
    clips: tuple[ClipAt, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    about: str = ""
    details: tuple[str, ...] = ()
    sets: tuple[tuple[ClipAt, ...], ...] = ()

    @property
    def id(self) -> str:
        """What it is known by, the same at every check: its kind, and a few letters where there may be several of it."""
        some = f"-{hashlib.blake2b(as_bytes(self.about), digest_size=2).hexdigest()}" if self.about else ""
        return self.kind.replace(" ", "-") + some

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: each clip as its path and its start in seconds."""
        return {
            "id": self.id,
            "kind": self.kind,
            "level": self.level,
            "sentence": self.sentence,
            "files": list(self.files),
            "clips": [list(clip) for clip in self.clips],
            "details": list(self.details),
            "sets": [[list(clip) for clip in same] for same in self.sets],
            "remedies": [remedy.to_dict() for remedy in self.remedies],
        }

    @property
    def sentence(self) -> str:
        sentence = self.what[:1].upper() + self.what[1:]
        return f"{sentence}. {self.remedy}." if self.remedy else f"{sentence}."


def unusual(notes: Iterable[DataProblem]) -> list[Finding]:
    """What is told of how clips were read, a finding for all that it is told of."""
    files: dict[str, dict[str, int]] = {}
    for note in notes:
        files.setdefault(note.what, {})[note.path] = note.clips
    return [
        Finding(
            "reading",
            f"{counted(sum(clips.values()), 'clip')} read with care, as {some((os.path.basename(shown(path)) for path in clips), 3)}: "  # noqa: PTH119
            + what.removeprefix("its "),
            tuple(clips),
        )
        for what, clips in files.items()
    ]


@dataclass(frozen=True, repr=False, eq=False)  # tables do not compare as one value
class Dataset(ToldByFacts):
    """Clips with their labels and folds; nothing has been decoded yet. One is equal to itself alone.

    Attributes:
        layout: its name in :data:`labcore.datasets.layouts.LAYOUTS`, as "urbansound8k", "folders" or "csv".
        table: columns path (str, absolute), label (str), fold (str), group (str: the recording a clip was cut from),
            start_s (float), end_s (float, nan for the end of the file); index 0 … n-1. A clip that is a recording of its own
            has its way from ``folder`` on as group, so that drawn folds are the same wherever the data set lies. The label is
            the one that counts; it is "" for a clip that is left out, since its label is wrong and nobody named another one.
        problems: files named by a list that are not there, and the like.
        findings: what its owner should know of how it was read.
        fold_note: how the folds came about, a sentence without the final stop.
        passed_over: files that are not audio.
        label_order: the labels by class number where the data set numbers them.
        part_of: the whole data set, where these are the clips of one fold of it.
        annotations: the file of what people decided on its labels; None where it is no data set of a workspace.
        annotated: the time-stamped annotations that its clips are cut by; None where it has none.
        corrections: the labels that are other than the data set's own; None where nobody looked for any.
        several_labels: a clip may have several labels, joined in its cell: see :mod:`labcore.datasets.several`.
    """

    name: str
    root: Path
    layout: str
    table: pd.DataFrame
    problems: list[DataProblem] = field(default_factory=list)
    fold_note: str = ""
    passed_over: int = 0
    label_order: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    part_of: Dataset | None = None
    annotations: Path | None = None
    corrections: Corrections | None = None
    annotated: Annotated | None = None
    several_labels: bool = False

    @property
    def labels(self) -> list[str]:
        """By class number where the data set has them, else sorted."""
        cells = set(self.table["label"]).difference([""])
        there = {label for cell in cells for label in labels_of(cell)} if self.several_labels else cells
        known = [label for label in self.label_order if label in there]
        return known + natural_order(there.difference(known))

    @property
    def folds(self) -> list[str]:
        """train, val, test in this order; others by their numbers."""
        return fold_order(set(self.table["fold"]))

    @property
    def folder(self) -> str:
        """What holds its clips, see :func:`folder_of`."""
        return folder_of(self.root, self.table["path"])

    def __len__(self) -> int:
        return len(self.table)

    def fold(self, name: str | int) -> Dataset:
        """The clips of one fold.

        Raises:
            DatasetError: there is no such fold.
        """
        if str(name) not in self.folds:
            raise DatasetError(f"there is no fold {name} in {self.name}", f"There are: {', '.join(self.folds)}")
        rows = self.table[self.table["fold"] == str(name)].reset_index(drop=True)
        return replace(self, table=rows, part_of=self.part_of or self)

    def check(self, progress: Callable[[int, int], None] = lambda done, total: None) -> Health:
        """What to know before training: clips that cannot be read, are silent or occur twice, tiny classes and so on.

        Decodes every clip, of a data set of the workspace only those that it did not decode before. ``check().found`` are all findings,
        each with its clips and what can be done; `labcore datasets mend` does it.

        Args:
            progress: called with (clips done, clips).
        """
        from labcore.datasets.health import check_dataset

        return check_dataset(self, progress)

    def _facts(self) -> dict[str, str]:
        told = self.corrections.sentence if self.corrections is not None else ""
        one = "" if self.part_of is None else f", fold {self.folds[0]}"
        return {
            "data set": f"{shown(self.name)}{one}",
            "clips": str(len(self)),
            "classes": f"{len(self.labels)} ({some(map(shown, self.labels))})",
            "folds": some(self.folds),
            "layout": self.layout,
            "place": shown(self.root),
            **({"labels": told.removeprefix("labels of ")} if told else {}),
        }


@dataclass(frozen=True)
class Split:
    """Row numbers of a clip table, ascending.

    Attributes:
        train, held_out: what is trained on, and what the accuracy is reported on.
        note: what a user should know about the split; may be empty.
        validation: clips set aside from training for whatever is chosen while a run goes on; may be empty.
        leaks: clips of one recording stand on both sides, so the accuracy is too high.
        trained_on: so many of the held-out clips were trained on by the network whose weights a run begins with.
        excluded: clips of excluded classes that would be held out.
    """

    train: np.ndarray
    held_out: np.ndarray
    fold: str
    note: str
    validation: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    leaks: bool = False
    excluded: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    trained_on: int = 0


def own_labels(table: pd.DataFrame) -> pd.Series:
    """The labels that a data set itself gives its clips. Splits and samples are made by these, so that a correction moves no clip."""
    return table[OWN_LABEL if OWN_LABEL in table else "label"]


def channels_of(table: pd.DataFrame) -> list[int]:
    """The channel that each clip is heard by alone, counted from 1; 0 for the mean of all."""
    return [int(number) for number in table[CHANNEL]] if CHANNEL in table else [0] * len(table)


def corrected_labels(table: pd.DataFrame, rows: np.ndarray) -> int:
    """How many of some clips have another label than the data set's own."""
    return int((table["label"] != own_labels(table)).to_numpy()[rows].sum())


def folder_of(root: Path, paths: Iterable[str]) -> str:
    """The folder from which the clips of a data set are told apart wherever it lies: its own, or that of its list.

    Where the list names clips outside, it is the folder that holds them all.
    """
    folder, paths = str(root if root.is_dir() else root.parent), list(paths)
    if all(path.startswith(folder + os.sep) for path in (min(paths, default=""), max(paths, default=""))):
        return folder  # and so does all that is sorted between the first and the last
    try:
        return os.path.commonpath(list({os.path.dirname(path) for path in paths}))  # noqa: PTH120 (called for every clip)
    except ValueError:  # there are none
        return folder


def way_from(folder: str, path: str) -> str:
    """A path as it goes on from a folder that it lies in; any other path as it is."""
    return ways_from(folder, [path])[0]


def ways_from(folder: str, paths: Iterable[str]) -> list[str]:
    """The same of many."""
    inside, length = folder.rstrip(os.sep) + os.sep, len(folder)
    return [path[length:].lstrip(os.sep) if path.startswith(inside) else path for path in paths]


def some(names: Iterable[str], most: int = 5) -> str:
    """Names in a sentence, the first few of many."""
    names = list(names)
    rest = len(names) - most
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:most])} and {rest} more"


def natural_order(texts: set[str] | list[str]) -> list[str]:
    """Sorted with numbers in their order: 2 before 10."""
    return sorted(texts, key=lambda text: (natural_key(text), text))


def fold_order(folds: set[str]) -> list[str]:
    return [part for part in PARTS if part in folds] + natural_order(folds.difference(PARTS))


def make_table(rows: list[tuple[str, str, str, str, float, float]]) -> pd.DataFrame:
    """Rows in the order of :data:`COLUMNS` as a clip table."""
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    return pd.DataFrame(
        {
            # objects from the first: a string of pandas cannot hold a name that is not UTF-8
            name: pd.Series(list(cells), dtype=float if name in ("start_s", "end_s") else object)
            for name, cells in zip(COLUMNS, columns, strict=True)
        }
    )
