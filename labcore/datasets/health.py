"""What a user should know about a data set before training on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore.audio import decode
from labcore.datasets.contents import equal_files
from labcore.datasets.table import Dataset, Problem
from labcore.device import usable_cores
from labcore.errors import AudioError

SILENT_DB = -80.0
TINY_CLASS = 10


@dataclass(frozen=True)
class Health:
    """The findings of :func:`check_dataset`.

    Attributes:
        counts: clips, one row a label, one column a fold.
        seconds: shortest, median and longest clip; nan where none can be read.
        total_seconds: of all clips.
        rates: sample rates in Hz → clips.
        unreadable: clips that cannot be decoded, and what the data set's list names in vain.
        silent: clips whose peak is below -80 dB of full scale.
        duplicates: files with equal contents that stand in more than one fold, a tuple a set.
        mislabelled: files with equal contents and different labels, a tuple a set.
        tiny_classes: label → clips, for classes of fewer than ten.
        straddling: recordings with clips in more than one fold.
        passed_over: files that are not audio.
    """

    name: str
    layout: str
    clips: int
    counts: pd.DataFrame
    fold_note: str
    seconds: tuple[float, float, float]
    total_seconds: float
    rates: dict[int, int]
    unreadable: list[Problem]
    silent: list[Problem]
    duplicates: list[tuple[str, ...]]
    mislabelled: list[tuple[str, ...]]
    tiny_classes: dict[str, int]
    straddling: list[str]
    passed_over: int

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be, a sentence each; empty for a sound data set."""
        missing = [label for label, row in self.counts.iterrows() if (row == 0).any()]
        return [
            sentence
            for there, sentence in (
                (self.unreadable, f"{_many(self.unreadable, 'clip')} cannot be read and will be left out."),
                (self.silent, f"{_many(self.silent, 'clip')} silent."),
                (self.duplicates, f"{_many(self.duplicates, 'recording')} found in several folds under different names."),
                (self.mislabelled, f"{_many(self.mislabelled, 'recording')} found under different labels."),
                (self.straddling, f"{_many(self.straddling, 'source recording')} with clips in several folds; "
                    "those clips will be left out of training when one of the folds is held out."),
                (self.tiny_classes, "Few clips of " + ", ".join(f"{k} ({n})" for k, n in self.tiny_classes.items()) + "."),
                (missing, f"Not in every fold: {', '.join(map(str, missing))}."),
            )
            if there
        ]  # fmt: skip

    @property
    def ok(self) -> bool:
        return not self.warnings

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "name": self.name,
            "layout": self.layout,
            "clips": self.clips,
            "counts": {str(label): {str(k): int(v) for k, v in row.items()} for label, row in self.counts.iterrows()},
            "fold_note": self.fold_note,
            "seconds": dict(zip(("shortest", "median", "longest"), self.seconds, strict=True)) if self.rates else None,
            "total_seconds": self.total_seconds,
            "rates": {str(rate): n for rate, n in self.rates.items()},
            "unreadable": [{"path": problem.path, "what": problem.what} for problem in self.unreadable],
            "silent": [problem.path for problem in self.silent],
            "duplicates": [list(paths) for paths in self.duplicates],
            "mislabelled": [list(paths) for paths in self.mislabelled],
            "tiny_classes": self.tiny_classes,
            "straddling": self.straddling,
            "passed_over": self.passed_over,
            "warnings": self.warnings,
        }


def check_dataset(dataset: Dataset, progress: Callable[[int, int], None] | None = None) -> Health:
    """Decode every clip once, on all cores, and compare files, classes and folds.

    Args:
        progress: called with (clips done, clips), from this thread.
    """
    table = dataset.table
    seconds, rates = [], Counter[int]()
    unreadable, silent = list(dataset.problems), []
    pool = ThreadPoolExecutor(usable_cores())
    try:
        spans = zip(table["path"], table["start_s"], table["end_s"], strict=True)
        for done, (path, result) in enumerate(zip(table["path"], pool.map(_look, spans), strict=True), 1):
            if isinstance(result, AudioError):
                unreadable.append(Problem(path, result.what.removeprefix(path).strip()))
            else:
                length, rate, peak_db = result
                seconds.append(length)
                rates[rate] += 1
                if peak_db < SILENT_DB:
                    silent.append(Problem(path, f"is silent (peak {peak_db:.0f} dB)"))
            if progress is not None:
                progress(done, len(table))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    duplicates, mislabelled = _equal(table)
    sizes = table["label"].value_counts()
    counts = pd.crosstab(table["label"], table["fold"]).reindex(index=dataset.labels, columns=dataset.folds)
    folds_of = table.groupby("group", sort=True)["fold"].nunique()
    middle = tuple(float(v) for v in np.percentile(seconds, [0, 50, 100])) if seconds else (float("nan"),) * 3
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        clips=len(table),
        counts=counts,
        fold_note=dataset.fold_note,
        seconds=(middle[0], middle[1], middle[2]),
        total_seconds=float(sum(seconds)),
        rates=dict(sorted(rates.items())),
        unreadable=unreadable,
        silent=silent,
        duplicates=duplicates,
        mislabelled=mislabelled,
        tiny_classes={label: int(sizes[label]) for label in dataset.labels if sizes[label] < TINY_CLASS},
        straddling=[str(group) for group in folds_of[folds_of > 1].index],
        passed_over=dataset.passed_over,
    )


def _look(span: tuple[str, float, float]) -> tuple[float, int, float] | AudioError:
    """Length in seconds, sample rate in Hz and peak in dB of full scale of one clip."""
    path, start_s, end_s = span
    try:
        waveform, rate = decode(Path(path), start_s=start_s, end_s=None if np.isnan(end_s) else end_s)
    except AudioError as error:
        return error
    peak = max(float(waveform.max()), -float(waveform.min()), 1e-10)
    return len(waveform) / rate, rate, 20 * float(np.log10(peak))


def _equal(table: pd.DataFrame) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Sets of equal files that stand in several folds, and those that have several labels."""
    folds = table.groupby("path")["fold"].agg(set)
    labels = table.groupby("path")["label"].agg(set)
    sets = equal_files(table["path"])
    across = [tuple(same) for same in sets if len(set().union(*(folds[path] for path in same))) > 1]
    between = [tuple(same) for same in sets if len(set().union(*(labels[path] for path in same))) > 1]
    return across, between


def _many(things: list[Any], noun: str) -> str:
    return f"1 {noun}" if len(things) == 1 else f"{len(things)} {noun}s"
