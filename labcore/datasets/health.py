"""What a user should know about a data set before training on it."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
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
from labcore.datasets.hearing import Measured, facts_of, unheard
from labcore.datasets.table import DataProblem, Dataset, Finding, behind, merged, some, unusual
from labcore.device import usable_cores
from labcore.errors import AudioError
from labcore.jobs.following import OnProgress
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


def check_dataset(
    dataset: Dataset,
    progress: OnProgress = lambda done, total: None,
    config: RunConfig | None = None,
) -> Health:
    """Decode every clip once, on all cores, and compare files, classes and folds.

    Args:
        progress: called with (clips done, clips), from this thread.
        config: of a training, the defaults without one: it is told where most energy of the clips lies above what it hears.
    """
    config = config or RunConfig()
    table = dataset.table
    found = _listen(table, progress, config.f_max)
    clips = [it for it in found if isinstance(it, Measured)]
    silent = [DataProblem(it.path, f"is silent (peak {it.peak_db:.0f} dB)") for it in clips if it.peak_db < SILENT_DB]
    notes = [DataProblem(it.path, note) for it in clips for note in it.notes]
    seconds = [it.seconds for it in clips]
    readable = table[np.array([isinstance(it, Measured) for it in found], dtype=bool)]
    duplicates, mislabelled = _equal(readable)
    sizes = table["label"].value_counts()
    counts = pd.crosstab(table["label"], table["fold"]).reindex(index=dataset.labels, columns=dataset.folds)
    folds_of = _by(readable, "group", "fold")
    shortest, median, longest = map(float, np.percentile(seconds or [np.nan], [0, 50, 100]))
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        clips=len(table),
        counts=counts,
        fold_note=dataset.fold_note,
        seconds=(shortest, median, longest),
        total_seconds=float(sum(seconds)),
        rates=dict(sorted(Counter(it.rate for it in clips).items())),
        unreadable=merged([*dataset.problems, *(it for it in found if isinstance(it, DataProblem))]),
        silent=merged(silent),
        duplicates=duplicates,
        mislabelled=mislabelled,
        tiny_classes={label: int(sizes[label]) for label in dataset.labels if sizes[label] < TINY_CLASS},
        straddling=sorted(group for group, folds in folds_of.items() if len(folds) > 1),
        passed_over=dataset.passed_over,
        findings=[*dataset.findings, *unusual(merged(notes)), *unheard(clips, config)],
    )


def _listen(table: pd.DataFrame, progress: OnProgress, limit_hz: float) -> list[Measured | DataProblem]:
    """What was found of each clip, or why it cannot be read, in the order of the table."""
    found: list[Measured | DataProblem] = []
    pool = ThreadPoolExecutor(usable_cores())
    try:
        columns = zip(*(table[name] for name in ("path", "label", "start_s", "end_s")), strict=True)
        for clip in pool.map(partial(_look, limit_hz=limit_hz), columns):
            found.append(clip)
            progress(len(found), len(table))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return found


def _look(clip: tuple[str, str, float, float], limit_hz: float) -> Measured | DataProblem:
    path, label, start_s, end_s = clip
    recording = Recording(Path(path), start_s=start_s, end_s=None if np.isnan(end_s) else end_s)
    try:
        length, peak, above = facts_of(recording, limit_hz)
    except AudioError as error:
        return DataProblem(path, behind(path, error.what))
    rate, peak_db = recording.sample_rate, 20 * float(np.log10(max(peak, 1e-10)))
    return Measured(path, label, length / rate, rate, peak_db, above, recording.notes)


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
