"""What a user should know about a data set before training on it."""

from __future__ import annotations

import contextlib
import html
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labcore.config import RunConfig
from labcore.datasets.annotations import name_in
from labcore.datasets.checks.classes import TINY_CLASS, of_classes
from labcore.datasets.checks.evidence import Evidence
from labcore.datasets.checks.going_through import Measurements
from labcore.datasets.checks.kept import Kept, kept_in, kept_of
from labcore.datasets.checks.measure import Found, Measured
from labcore.datasets.checks.repeats import of_repeats
from labcore.datasets.checks.sounds import LOST_DB, SILENT_DB, of_sounds
from labcore.datasets.hearing import unheard
from labcore.datasets.labels import ALIKE
from labcore.datasets.remedies import ClipAt, exclude
from labcore.datasets.several import exploded
from labcore.datasets.table import DataProblem, Dataset, Finding, merged, some, unusual
from labcore.errors import WorkspaceError
from labcore.jobs.following import OnProgress
from labcore.texts import counted, shown
from labcore.workspace import Workspace

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
        found: everything that there is to know, a finding each, with its clips and what can be done; warnings first.
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
    found: list[Finding] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be, a sentence each; empty for a sound data set."""
        return [finding.sentence for finding in self.found if finding.level == "warning"]

    @property
    def notes(self) -> list[str]:
        """What was read as what, and what does no harm, a sentence each."""
        others = [finding for finding in self.found if finding not in self.findings]
        return [finding.sentence for finding in (*self.findings, *others) if finding.level == "note"]

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
            "found": [finding.to_dict() for finding in self.found],
            "warnings": self.warnings,
            "notes": self.notes,
        }


def check_dataset(
    dataset: Dataset,
    progress: OnProgress = lambda done, total: None,
    config: RunConfig | None = None,
    workspace: Workspace | None = None,
) -> Health:
    """Decode every clip once, on all cores, and compare files, classes and folds.

    Args:
        progress: called with (clips done, clips), from this thread.
        config: of a training, the defaults without one: it is told where most energy of the clips lies above what it hears.
        workspace: its cache keeps what was measured, so that the next check decodes only what is new; that of the data set by default.
    """
    file = file_for(dataset, workspace)
    measured = Measurements(dataset, Kept.load(file) if file else Kept())

    def save() -> None:
        if file is not None and dataset.part_of is None:
            with contextlib.suppress(WorkspaceError):  # then all is decoded anew the next time
                measured.kept.save(file)

    measured.measure(progress, save)
    if not measured.complete:
        measured.compare(lambda done, total: progress(len(dataset), len(dataset)))
    measured.finish()
    save()
    return health_from(dataset, measured.found, measured.same(), config or RunConfig())


def known_health(
    dataset: Dataset, config: RunConfig | None = None, workspace: Workspace | None = None
) -> Health | None:
    """The findings of the last check of a data set of the workspace, with the labels that count by now. Decodes nothing.

    Returns:
        None where it was not checked, or has changed since.
    """
    measured = _known(dataset, workspace)
    return (
        health_from(dataset, measured.found, measured.same(), config or RunConfig()) if measured is not None else None
    )


def known_copies(dataset: Dataset) -> list[tuple[int, int]]:
    """Rows of the clip table that hold the same sound in files that differ, by the last check; none where it was not checked since.

    Clips that are left out are copies of nothing.
    """
    measured, labels = _known(dataset), dataset.table["label"].tolist()
    same = measured.same() if measured is not None else []
    return [(one, other) for one, other in same if labels[one] and labels[other]]


def _known(dataset: Dataset, workspace: Workspace | None = None) -> Measurements | None:
    """What the last check measured; None where there was none since the data set changed."""
    file = file_for(dataset, workspace)
    measured = Measurements(dataset, Kept.load(file)) if file is not None and file.is_file() else None
    return measured if measured is not None and measured.complete else None


def file_for(dataset: Dataset, workspace: Workspace | None = None) -> Path | None:
    """The file that keeps what was measured of a data set; None for one of no workspace."""
    if dataset.annotations is None:
        return kept_in(workspace, dataset.root) if workspace is not None else None
    home = workspace or Workspace(dataset.annotations.parent.parent)
    return kept_of(home, name_in(dataset.annotations)) or kept_in(home, dataset.root)


def health_from(dataset: Dataset, found: list[Found], same: list[tuple[int, int]], config: RunConfig) -> Health:
    """The findings that follow from what was measured, with the labels and folds that the clips have by now.

    Args:
        found: a value a row of the table.
        same: rows that hold the same sound in files that differ.
        config: as for :func:`check_dataset`.
    """
    table, evidence = dataset.table, Evidence.of(dataset, found, same)
    columns = list(zip(table["path"], table["label"], found, strict=True))
    clips = [(path, label, each) for path, label, each in columns if isinstance(each, Measured)]
    unreadable = [DataProblem(path, each) for path, label, each in columns if isinstance(each, str) and label]
    notes = [DataProblem(path, note) for path, _, each in clips for note in each.notes if each.lost_db < LOST_DB]
    rows = exploded(table)
    counts = pd.crosstab(rows["label"], rows["fold"]).reindex(index=dataset.labels, columns=dataset.folds)
    counts = counts.fillna(0).astype(int)
    sizes, seconds = counts.sum(axis=1), [each.seconds for _, _, each in clips]
    shortest, median, longest = map(float, np.percentile(seconds or [np.nan], [0, 50, 100]))
    problems = merged([*dataset.problems, *unreadable])
    findings = [*dataset.findings, *unusual(merged(notes)), *unheard(clips, config)]
    every = [
        *_unreadable(dataset, problems, found),
        *of_sounds(evidence),
        *of_repeats(evidence),
        *of_classes(dataset, counts),
        *(each for each in findings if each.kind != ALIKE),  # these come with their clips from the classes
    ]
    return Health(
        name=dataset.name,
        layout=dataset.layout,
        clips=len(table),
        counts=counts,
        fold_note=dataset.fold_note,
        seconds=(shortest, median, longest),
        total_seconds=float(sum(seconds)),
        rates=dict(sorted(Counter(each.rate for _, _, each in clips).items())),
        unreadable=problems,
        silent=merged(_silent(evidence)),
        duplicates=_paths(
            evidence, [each for each in evidence.equal if len({evidence.folds[row] for row in each}) > 1]
        ),
        mislabelled=_paths(
            evidence, [each for each in evidence.equal if len({evidence.labels[row] for row in each}) > 1]
        ),
        tiny_classes={label: int(sizes[label]) for label in dataset.labels if sizes[label] < TINY_CLASS},
        straddling=sorted(_straddling(evidence)),
        passed_over=dataset.passed_over,
        findings=findings,
        found=sorted(every, key=lambda finding: finding.level != "warning"),
    )


def _unreadable(dataset: Dataset, problems: list[DataProblem], found: list[Found]) -> list[Finding]:
    if not problems:
        return []
    columns = zip(dataset.table["path"], dataset.table["start_s"], dataset.table["label"], found, strict=True)
    there = tuple(
        ClipAt(path, float(start_s)) for path, start_s, label, each in columns if isinstance(each, str) and label
    )
    clips, files = (
        sum(problem.clips for problem in problems),
        tuple(dict.fromkeys(problem.path for problem in problems)),
    )
    of = "" if len(files) == clips else f" of {_many(len(files), 'file')}"
    what, remedy = f"{_many(clips, 'clip')}{of} cannot be read and will be left out", "Write them anew, or remove them"
    why = {problem.path: problem.what for problem in problems}
    details = tuple(why.get(clip.path, "") for clip in there)
    return [Finding("unreadable", what, files, remedy, clips=there, remedies=exclude(there), details=details)]


def _silent(evidence: Evidence) -> list[DataProblem]:
    pairs = zip(evidence.spans, evidence.found, strict=True)
    return [
        DataProblem(span.path, f"is silent (peak {it.peak_db:.0f} dB)") for span, it in pairs if it.peak_db < SILENT_DB
    ]


def _paths(evidence: Evidence, sets: list[list[int]]) -> list[tuple[str, ...]]:
    return [evidence.files(rows) for rows in sets]


def _straddling(evidence: Evidence) -> list[str]:
    groups = evidence.by(evidence.groups)
    return [group for group, rows in groups.items() if len({evidence.folds[row] for row in rows}) > 1]
