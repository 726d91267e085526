"""What a user should know about a data set before training on it."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore.audio import Recording
from labcore.config import RunConfig
from labcore.datasets.contents import equal_files
from labcore.datasets.hearing import facts_of, unheard
from labcore.datasets.table import DataProblem, Dataset, Finding, behind, merged, some, unusual
from labcore.device import usable_cores
from labcore.errors import AudioError
from labcore.texts import counted, shown

SILENT_DB = -80.0
TINY_CLASS = 10
_many = partial(counted, figure=str)


@dataclass(frozen=True, repr=False)
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
        findings: what else is to tell: how the data set was read, and what the chosen sample rate does not hear.
    """

    name: str
    layout: str
    clips: int
    counts: pd.DataFrame
    fold_note: str
    seconds: tuple[float, float, float]
    total_seconds: float
    rates: dict[int, int]
    unreadable: list[DataProblem]
    silent: list[DataProblem]
    duplicates: list[tuple[str, ...]]
    mislabelled: list[tuple[str, ...]]
    tiny_classes: dict[str, int]
    straddling: list[str]
    passed_over: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def found(self) -> list[Finding]:
        """Everything that there is to know, a finding each, with its files; warnings first."""
        missing = [label for label, row in self.counts.iterrows() if (row == 0).any()]
        tiny = ", ".join(f"{label} ({count})" for label, count in self.tiny_classes.items())
        of_files = [
            Finding("unreadable", f"{_clips(self.unreadable)} cannot be read and will be left out", _files(self.unreadable),
                    "Write them anew, or remove them"),
            Finding("silent", f"{_clips(self.silent)} silent", _files(self.silent), "Remove them"),
            Finding("duplicates", f"{_many(len(self.duplicates), 'recording')} found in several folds under different names",
                    _joined(self.duplicates), "Keep one of each"),
            Finding("mislabelled", f"{_many(len(self.mislabelled), 'recording')} found under different labels", _joined(self.mislabelled),
                    "Keep the right one of each"),
        ]  # fmt: skip
        straddling = f"{_many(len(self.straddling), 'source recording')} with clips in several folds; those clips will be left out of "
        straddling += "training when one of the folds is held out"
        others = [
            (self.straddling, Finding("straddling", straddling, remedy="Put all clips of a recording into one fold")),
            (tiny, Finding("few clips", f"Few clips of {tiny}", remedy="Add some, or leave the class out")),
            (
                missing,
                Finding(
                    "missing",
                    f"Not in every fold: {', '.join(map(str, missing))}",
                    remedy="Add clips, or draw other folds",
                ),
            ),
        ]
        seen = [finding for finding in of_files if finding.files] + [finding for there, finding in others if there]
        return sorted([*seen, *self.findings], key=lambda finding: finding.level != "warning")

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be, a sentence each; empty for a sound data set."""
        return [finding.sentence for finding in self.found if finding.level == "warning"]

    @property
    def notes(self) -> list[str]:
        """What was read as what, a sentence each."""
        return [finding.sentence for finding in self.findings if finding.level == "note"]

    @property
    def ok(self) -> bool:
        return not self.warnings

    def __repr__(self) -> str:
        return "\n".join(
            [f"{shown(self.name)}: {counted(self.clips, 'clip')}", *(self.warnings or ["all is well"]), *self.notes]
        )

    def _repr_html_(self) -> str:
        listed = [(finding.level, finding.sentence, some(map(shown, finding.files), 3)) for finding in self.found]
        frame = pd.DataFrame(listed or [("well", "Nothing was found.", "")], columns=["level", "finding", "files"])
        with pd.option_context("display.max_colwidth", None):
            return f"<p>{html.escape(shown(self.name))}: {counted(self.clips, 'clip')}</p>{frame.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self) | {
            "counts": {str(label): {str(k): int(v) for k, v in row.items()} for label, row in self.counts.iterrows()},
            "seconds": dict(zip(("shortest", "median", "longest"), self.seconds, strict=True)) if self.rates else None,
            "rates": {str(rate): n for rate, n in self.rates.items()},
            "silent": [problem.path for problem in self.silent],
            "duplicates": [list(paths) for paths in self.duplicates],
            "mislabelled": [list(paths) for paths in self.mislabelled],
            "warnings": self.warnings,
            "notes": self.notes,
        }


@dataclass
class _Levels:
    """What was seen of the clips so far, in the order of the table."""

    seconds: list[float] = field(default_factory=list)
    rates: Counter[int] = field(default_factory=Counter)
    clips: list[tuple[str, str, int, float]] = field(default_factory=list)  # path, label, rate, share that is not heard
    readable: list[bool] = field(default_factory=list)
    unreadable: list[DataProblem] = field(default_factory=list)
    silent: list[DataProblem] = field(default_factory=list)
    notes: list[DataProblem] = field(default_factory=list)


def check_dataset(
    dataset: Dataset,
    progress: Callable[[int, int], None] | None = None,
    config: RunConfig | None = None,
) -> Health:
    """Decode every clip once, on all cores, and compare files, classes and folds.

    Args:
        progress: called with (clips done, clips), from this thread.
        config: of a training, the defaults without one: it is told where most energy of the clips lies above what it hears.
    """
    config = config or RunConfig()
    table = dataset.table
    levels = _listen(table, progress, config.f_max)
    readable = table[np.array(levels.readable, dtype=bool)]
    duplicates, mislabelled = _equal(readable)
    sizes = table["label"].value_counts()
    counts = pd.crosstab(table["label"], table["fold"]).reindex(index=dataset.labels, columns=dataset.folds)
    folds_of = _by(readable, "group", "fold")
    middle = (
        tuple(float(v) for v in np.percentile(levels.seconds, [0, 50, 100])) if levels.seconds else (float("nan"),) * 3
    )
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        clips=len(table),
        counts=counts,
        fold_note=dataset.fold_note,
        seconds=(middle[0], middle[1], middle[2]),
        total_seconds=float(sum(levels.seconds)),
        rates=dict(sorted(levels.rates.items())),
        unreadable=merged([*dataset.problems, *levels.unreadable]),
        silent=merged(levels.silent),
        duplicates=duplicates,
        mislabelled=mislabelled,
        tiny_classes={label: int(sizes[label]) for label in dataset.labels if sizes[label] < TINY_CLASS},
        straddling=sorted(group for group, folds in folds_of.items() if len(folds) > 1),
        passed_over=dataset.passed_over,
        findings=[*dataset.findings, *unusual(merged(levels.notes)), *unheard(levels.clips, config)],
    )


def _listen(table: pd.DataFrame, progress: Callable[[int, int], None] | None, limit_hz: float) -> _Levels:
    levels = _Levels()
    pool = ThreadPoolExecutor(usable_cores())
    try:
        spans = zip(table["path"], table["start_s"], table["end_s"], strict=True)
        results = pool.map(partial(_look, limit_hz=limit_hz), spans)
        for done, (path, label, result) in enumerate(zip(table["path"], table["label"], results, strict=True), 1):
            levels.readable.append(not isinstance(result, AudioError))
            if isinstance(result, AudioError):
                levels.unreadable.append(DataProblem(path, behind(path, result.what)))
            else:
                length, rate, peak_db, above, notes = result
                levels.notes += [DataProblem(path, note) for note in notes]
                levels.seconds.append(length)
                levels.rates[rate] += 1
                levels.clips.append((path, label, rate, above))
                if peak_db < SILENT_DB:
                    levels.silent.append(DataProblem(path, f"is silent (peak {peak_db:.0f} dB)"))
            if progress is not None:
                progress(done, len(table))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return levels


def _look(
    span: tuple[str, float, float], limit_hz: float
) -> tuple[float, int, float, float, tuple[str, ...]] | AudioError:
    """Of one clip its length in seconds, sample rate in Hz, peak in dB of full scale, share of energy above a frequency, and notes."""
    path, start_s, end_s = span
    recording = Recording(Path(path), start_s=start_s, end_s=None if np.isnan(end_s) else end_s)
    try:
        length, peak, above = facts_of(recording, limit_hz)
    except AudioError as error:
        return error
    peak_db = 20 * float(np.log10(max(peak, 1e-10)))
    return length / recording.sample_rate, recording.sample_rate, peak_db, above, recording.notes


def _equal(table: pd.DataFrame) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Sets of equal files that stand in several folds, and those that have several labels."""
    folds, labels = _by(table, "path", "fold"), _by(table, "path", "label")
    sets = equal_files(table["path"])
    across = [tuple(same) for same in sets if len(set().union(*(folds[path] for path in same))) > 1]
    between = [tuple(same) for same in sets if len(set().union(*(labels[path] for path in same)).difference([""])) > 1]
    return across, between


def _by(table: pd.DataFrame, key: str, value: str) -> dict[str, set[str]]:
    """The values that occur with each key. Not by pandas' index, which cannot hold a name that is not UTF-8."""
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in zip(table[key], table[value], strict=True):
        found[one].add(other)
    return found


def _files(problems: list[DataProblem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem.path for problem in problems))


def _joined(sets: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(path for same in sets for path in same)


def _clips(problems: list[DataProblem]) -> str:
    count, files = sum(problem.clips for problem in problems), len({problem.path for problem in problems})
    of = "" if files == count else f" of {_many(files, 'file')}"
    return f"{_many(count, 'clip')}{of}"
