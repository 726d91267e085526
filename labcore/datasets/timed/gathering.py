"""All labels of the annotations of a data set in one table, each with its recording, and with what becomes of it."""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Literal

from labcore.config import DataConfig
from labcore.datasets.labels import ALIKE, unified
from labcore.datasets.parts import part_named
from labcore.datasets.table import Finding, behind, some
from labcore.datasets.timed.edits import NO_EDITS, EventEdit, EventEdits, InForce
from labcore.datasets.timed.formats import BY_NAME, read_timed_file
from labcore.datasets.timed.labels import WHOLE, Damage, Stretch, TimedFile, TimedLabel
from labcore.datasets.timed.recordings import Recordings
from labcore.errors import AudioError, DatasetError
from labcore.texts import counted, shown

Outcome = Literal["used", "merged", "dropped"]
DAMAGED, UNKNOWN, UNREADABLE, OUTSIDE, UNLABELLED, UNSURE = (
    "damaged row", "no recording", "unreadable recording", "outside the recording", "no label", "low confidence",
)  # fmt: skip


BY_HAND = "edited events"
"""Of findings."""


@dataclass
class LabelRow:
    """A label of the annotations and what became of it.

    Attributes:
        file, line: where it stands.
        recording: the whole path; what the row says where there is none.
        start_s, end_s: within the recording, in seconds; nan where they cannot be read.
        outcome: ``merged``: it is one with another label of its class; ``dropped``: it is in no clip.
        reason: why, in a few words that are the same for all rows of one kind; "" for one that is used as it is.
        why: the same with particulars.
        clips: so many have this label because of it.
        event: what it goes by within its recording, see :func:`labcore.datasets.timed.edits.event_key`; the id of its line where it was
            added by hand.
        edited: "added" or "changed" by hand, "" for what is as its file has it.
    """

    file: Path
    line: int
    recording: str
    start_s: float
    end_s: float
    label: str
    low_hz: float = math.nan
    high_hz: float = math.nan
    annotator: str = ""
    confidence: float = math.nan
    outcome: Outcome = "used"
    reason: str = ""
    why: str = ""
    clips: int = 0
    event: str = ""
    edited: str = ""

    def drop(self, reason: str, why: str = "") -> None:
        self.outcome, self.reason, self.why = "dropped", reason, why or reason


@dataclass
class Gathered:
    """What the annotations say.

    Attributes:
        rows: all labels, in the order of files and lines.
        seconds: recording → its length in seconds; all that annotations are about.
        about: recording → the stretches (start, end) in seconds that were looked through.
        uncertain: recordings of which a row cannot be read: what is not labelled there may be anything.
        part: recording → the part of the data set by the name of its file of annotations, "" for none.
        complete: recording → whether somebody said that all is labelled there.
        deleted: labels that were deleted by hand; they are not among the rows.
    """

    rows: list[LabelRow] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    about: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    uncertain: set[str] = field(default_factory=set)
    part: dict[str, str] = field(default_factory=dict)
    complete: dict[str, bool] = field(default_factory=dict)
    deleted: list[LabelRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def gathered(
    files: Sequence[tuple[Path, str]], recordings: Recordings, data: DataConfig, edits: EventEdits = NO_EDITS
) -> Gathered:
    """Read annotations.

    Args:
        files: each with the name of its format.
        data: of a run: which column gives the labels, and how sure they have to be.
        edits: what people changed about them.

    Raises:
        DatasetError: not one of the files can be read.
    """
    found = Gathered()
    read: list[TimedFile] = []
    for path, format in files:
        try:
            read.append(read_timed_file(path, format, data.label_column))
        except DatasetError as error:
            if len(files) == 1:
                raise
            found.findings.append(Finding("annotations not read", error.what, (str(path),), error.remedy))
            with contextlib.suppress(ValueError):
                found.uncertain.add(recordings.like(path, alone=False))
    if files and not read:
        first = found.findings[0]
        raise DatasetError(f"no annotations can be read; the first: {first.what}", first.remedy)
    parts = {file.path: named.part for file in read if (named := part_named(file.path.stem))}
    in_force = edits.in_force(recordings)
    for file in read:
        part = parts.get(file.path, "") if len(parts) == len(read) else ""
        _Placing(found, file, recordings, data, in_force, part, alone=len(files) == 1).all()
    by_hand = TimedFile(edits.file, BY_HAND)
    _Placing(found, by_hand, recordings, data, in_force, "", alone=False).added()
    _one_spelling(found)
    found.findings += _told_of_edits(edits, in_force)
    found.findings += [*_told_of_formats(read), *_several_files(found), *_counted_on(found, read)]
    return found


@dataclass
class _Placing:
    """Finds the recordings of one file's labels."""

    found: Gathered
    file: TimedFile
    recordings: Recordings
    data: DataConfig
    edits: InForce
    part: str
    alone: bool
    _known: dict[str, tuple[float, int] | AudioError] = field(default_factory=dict)

    def all(self) -> None:
        rows: list[TimedLabel | Damage] = [*self.file.labels, *self.file.damaged]
        names_none = not any(row.recording for row in rows)
        for stretch in self.file.about or ([Stretch("")] if names_none else []):
            try:
                path = self._recording(stretch.recording)
                length, _ = self._facts(path)
            except (ValueError, AudioError) as error:
                if not self.file.labels:
                    self.found.findings.append(_lonely(self.file.path, error))
                continue
            self.found.about[path].append((stretch.start_s, min(stretch.end_s, length)))
        self.found.rows += [row for label in self.file.labels if (row := self._row(label)) is not None]
        for damage in self.file.damaged:
            self._damaged(damage)

    def _recording(self, name: str) -> str:
        file = self.file.path
        return self.recordings.named(name, file) if name else self.recordings.like(file, alone=self.alone)

    def _facts(self, path: str) -> tuple[float, int]:
        """The length and rate of a recording, looked up once, however many labels it has."""
        if path not in self._known:
            try:
                self._known[path] = self.recordings.facts(path)
            except AudioError as error:
                self._known[path] = error
        known = self._known[path]
        if isinstance(known, AudioError):
            raise known.with_traceback(None)
        length, rate = known
        self.found.seconds.setdefault(path, length)
        if self.part:
            self.found.part.setdefault(path, self.part)
        return length, rate

    def _damaged(self, damage: Damage) -> None:
        row = LabelRow(self.file.path, damage.line, damage.recording, math.nan, math.nan, "")
        row.drop(DAMAGED, damage.what)
        self.found.rows.append(row)
        with contextlib.suppress(ValueError):
            row.recording = self._recording(damage.recording)
            self.found.uncertain.add(row.recording)

    def _row(self, label: TimedLabel) -> LabelRow | None:
        row = LabelRow(
            self.file.path, label.line, label.recording, label.start_s, label.end_s, label.label,
            label.low_hz, label.high_hz, label.annotator, label.confidence,
        )  # fmt: skip
        try:
            row.recording = self._recording(label.recording)
            length, rate = self._facts(row.recording)
        except ValueError as error:
            row.drop(UNKNOWN, str(error))
            return row
        except AudioError as error:
            row.drop(UNREADABLE, f"{shown(Path(row.recording).name)} {behind(row.recording, error.what)}")
            return row
        return self._within(row, label, length, rate)

    def _within(self, row: LabelRow, label: TimedLabel, length: float, rate: int) -> LabelRow | None:
        """A label whose recording is known, as it was edited; None for one that was deleted."""
        if not self.file.about and label.recording and not self.found.about[row.recording]:
            self.found.about[row.recording].append((0.0, length))
        if label.in_samples:
            row.start_s, row.end_s = row.start_s / rate, row.end_s / rate
        row.event = self.edits.key_of(row.recording, row.start_s, row.end_s, row.label)
        edit = self.edits.change_of(row.recording, row.event)
        if edit is not None and edit.edit == "delete":
            self.found.deleted.append(row)
            return None
        if edit is not None:
            _as_edited(row, edit, "changed")
        self._check(row, length)
        return row

    def added(self) -> None:
        """The events that were added by hand, and which recordings were said to be complete."""
        for path, lines in self.edits.added.items():
            for number, first in lines:
                edit = self.edits.change_of(path, first.id) or first
                if edit.edit != "delete" and (length := self._length(path)) is not None:
                    row = LabelRow(self.file.path, number, path, 0.0, 0.0, "", event=first.id)
                    _as_edited(row, edit, "added")
                    self._check(row, length)
                    self.found.rows.append(row)
        for path, complete in self.edits.complete.items():
            if (length := self._length(path)) is not None:
                self.found.complete[path] = complete
                if complete:
                    self.found.about[path] = [(0.0, length)]
                    self.found.uncertain.discard(path)

    def _length(self, path: str) -> float | None:
        """How long a recording lasts that all of is about; None for one that cannot be read."""
        try:
            length, _ = self._facts(path)
        except AudioError:
            return None
        self.found.about[path] = self.found.about[path] or [(0.0, length)]
        return length

    def _check(self, row: LabelRow, length: float) -> None:
        """Bring a label within its recording, or drop it."""
        start, end = row.start_s, row.end_s
        if math.isnan(start) or math.isnan(end) or end < start:
            row.drop(DAMAGED, f"it ends ({end:g} s) before it begins ({start:g} s)")
            self.found.uncertain.add(row.recording)
        elif start >= length or end < 0:
            what = f"it is from {start:g} to {end:g} s, and {shown(Path(row.recording).name)} lasts {length:g} s"
            row.drop(OUTSIDE, what)
        elif not row.label:
            row.drop(UNLABELLED)
        elif row.confidence < self.data.least_confidence:
            row.drop(UNSURE, f"its confidence is {row.confidence:g}")
        if row.reason in (DAMAGED, OUTSIDE):
            return
        row.start_s, row.end_s = max(0.0, start), min(end, length)
        cut = max(0.0 - start, 0.0 if end == WHOLE else end - length)
        if row.outcome == "used" and cut > 0.05:
            row.why = f"{cut:.2f} s of it lie outside of the recording and are cut off"


def _as_edited(row: LabelRow, edit: EventEdit, how: str) -> None:
    row.start_s, row.end_s, row.label = edit.start_s, edit.end_s, edit.label
    row.low_hz, row.high_hz = (math.nan if each is None else each for each in (edit.low_hz, edit.high_hz))
    row.annotator, row.confidence, row.edited = edit.who, math.nan, how


def _told_of_edits(edits: EventEdits, in_force: InForce) -> list[Finding]:
    """What people changed, and which edits count for nothing."""
    told = [Finding(BY_HAND, edits.sentence, level="note")] if edits.sentence else []
    if edits.damaged:
        told.append(
            Finding(
                BY_HAND, f"{counted(edits.damaged, 'line')} of the edited events cannot be read and count for nothing"
            )
        )
    if lost := in_force.unused + in_force.not_met:
        many = f"{counted(lost, 'edit')} of events {'does' if lost == 1 else 'do'} not count"
        told.append(
            Finding(BY_HAND, f"{many}: the event is not in its file any more, or the recording is gone or another one")
        )
    return told


def _one_spelling(found: Gathered) -> None:
    """Labels that look the same become the same before any are told apart."""
    used = [row for row in found.rows if row.outcome == "used"]
    labels, told = unified([row.label for row in used])
    for row, label in zip(used, labels, strict=True):
        row.label = label
        if not label:
            row.drop(UNLABELLED)
    found.findings += [each for each in told if each.kind != ALIKE]  # told of the clips that come of them


def _told_of_formats(read: Sequence[TimedFile]) -> list[Finding]:
    """Which formats there were, and what gave the labels."""
    by_kind: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for file in read:
        by_kind[file.format, file.column, file.others].append(str(file.path))
    told = []
    for (format, column, others), paths in by_kind.items():
        what = f"{counted(len(paths), 'file')} read as {BY_NAME[format].title}"
        what += f", labels from {column}" if column else ""
        what += f" (not from {some(others)})" if others else ""
        told.append(Finding("annotation files", what, tuple(paths), level="note"))
    return told


def _several_files(found: Gathered) -> list[Finding]:
    """Recordings that several files label."""
    files: dict[str, set[Path]] = defaultdict(set)
    for row in found.rows:
        if row.reason not in (UNKNOWN, DAMAGED) and row.edited != "added":
            files[row.recording].add(row.file)
    several = sorted(path for path, those in files.items() if len(those) > 1)
    if not several:
        return []
    names = some((shown(Path(path).name) for path in several), 3)
    return [
        Finding(
            "several annotations",
            f"{counted(len(several), 'recording')} labelled by several files of annotations, which all count: {names}",
            tuple(several),
            "Move those away that are not meant, as older tables or results of a detector",
            "note",
        )
    ]


def _counted_on(found: Gathered, read: Sequence[TimedFile]) -> list[Finding]:
    """Tables whose times may count over several recordings: the labels of each begin behind the end of those before."""
    told = []
    for path in (file.path for file in read if file.counts_on):
        first: dict[str, float] = {}
        placed = [row for row in found.rows if row.file == path and row.recording in found.seconds]
        for row in placed:
            first[row.recording] = min(row.start_s, first.get(row.recording, math.inf))
        order = sorted(first, key=first.__getitem__)
        before = accumulate(found.seconds[recording] for recording in order)
        behind_each = all(first[later] >= end for later, end in zip(order[1:], before, strict=False))
        if len(order) > 1 and behind_each and any(row.outcome == "used" for row in placed if row.recording != order[0]):
            what = f"the times in {shown(path.name)} may count over its {len(order)} recordings, and are taken as within each"
            told.append(
                Finding("times", what, (str(path),), "If they do, add the measurement File Offset (s) to the table")
            )
    return told


def _lonely(path: Path, error: Exception) -> Finding:
    return Finding(
        "annotations not used",
        f"{shown(path.name)} was not used: {error.what if isinstance(error, AudioError) else error}",
        (str(path),),
        "Name it as its recording, such as night.txt beside night.wav",
    )
