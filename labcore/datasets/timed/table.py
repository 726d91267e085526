"""Annotations as a table with a header, a row a label: what Raven, BirdNET, Kaleidoscope, DCASE and Sonic Visualiser have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labcore.datasets.columns import canonical, words
from labcore.datasets.labels import is_missing
from labcore.datasets.timed.labels import WHOLE, Damage, Stretch, TimedFile, TimedLabel
from labcore.datasets.timed.text import AnnotationText, figure_in, seconds_in
from labcore.errors import DatasetError

LOOKED_AT = 200
"""So many rows tell whether a column holds words."""
NOTHING_HERE = frozenset({"nocall"})
"""What stands in the row of a recording without labels, as BirdNET writes it."""


@dataclass(frozen=True)
class TableForm:
    """Which columns a format has, by their names without blanks, marks and case; the first that is there is taken.

    Attributes:
        name: of the format.
        start, end, duration: the columns of times; of a row without end and duration all of the recording is meant where ``whole``.
        offset: where a label begins in its own file, while ``start`` counts over several files.
        path: the recording.
        folder: the folder of the recording, where the path is but its name.
        label: the columns that may hold the label, likely ones first.
        low, high: frequencies in Hz.
        annotator, confidence: of the label.
        whole: rows without times stand for all of their recording.
        in_samples: a column of times whose name is among these counts samples.
    """

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...] = ()
    duration: tuple[str, ...] = ()
    offset: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    annotator: tuple[str, ...] = words("annotator analyst observer labeler labeller createdby user reviewer")
    confidence: tuple[str, ...] = words("confidence score probability prob")
    whole: bool = False
    in_samples: tuple[str, ...] = ()


def read_table(
    text: AnnotationText, form: TableForm, column: str | None = None, others: Sequence[str] = ()
) -> TimedFile:
    """The labels of a table.

    Args:
        column: what gives the labels, by the wish of the user; None takes the first of the format's that holds any.
        others: names of further columns that may hold the labels, behind those of the format.

    Raises:
        DatasetError: there is no such column, or none that may hold labels.
    """
    header, rows = text.header, text.cells[1:]
    taken = _Columns(header, form)
    candidates = [*taken.all_of(form.label), *(name for name in others if name in header)]
    chosen = _label_column(text, rows, candidates, column)
    found = TimedFile(text.path, form.name, column=header[chosen] if chosen is not None else "")
    found.counts_on = bool(form.offset) and not taken.name("offset")
    found.others = tuple(dict.fromkeys(name for name in candidates if name != found.column))
    seen: set[tuple[object, ...]] = set()
    for line, cells in rows:
        recording = taken.recording(cells)
        try:
            label = _row(line, cells, header, taken, form, recording, chosen)
        except ValueError as error:
            found.damaged.append(Damage(line, str(error), recording))
            continue
        if label is None:
            found.about.append(Stretch(recording))
        elif not _again(taken, cells, label, seen):
            found.labels.append(label)
    if found.about:
        held: list[TimedLabel | Damage | Stretch] = [*found.labels, *found.damaged, *found.about]
        named = dict.fromkeys(each.recording for each in held)
        found.about = [Stretch(recording) for recording in named]
    return found


def _row(
    line: int, cells: list[str], header: list[str], taken: _Columns, form: TableForm, recording: str, label: int | None
) -> TimedLabel | None:
    """The label of a row; None for the row of a recording that has none.

    Raises:
        ValueError: it cannot be read, in words.
    """
    if any(cells[len(header) :]):
        raise ValueError(
            f"it has {len(cells)} cells and the header {len(header)}: a decimal comma or a separator inside of a cell?"
        )
    name = cells[label] if label is not None and label < len(cells) else ""
    name = "" if is_missing(name) else name
    times = [taken.value(cells, role) for role in ("start", "end", "duration")]
    if name.casefold() in NOTHING_HERE or not (name or any(times)):
        return None
    start, end = _span(cells, taken, form)
    return TimedLabel(
        start, end, name, line, recording, taken.figure(cells, "low"), taken.figure(cells, "high"),
        taken.value(cells, "annotator"), taken.figure(cells, "confidence"), taken.in_samples,
    )  # fmt: skip


def _span(cells: list[str], taken: _Columns, form: TableForm) -> tuple[float, float]:
    start, end, duration, offset = (
        seconds_in(cell, taken.name(role)) if (cell := taken.value(cells, role)) else None
        for role in ("start", "end", "duration", "offset")
    )
    if form.whole and start is None and duration is None and end is None:
        return 0.0, WHOLE
    if start is None:
        raise ValueError(f"there is no time in the column {taken.name('start')}")
    if end is None and duration is not None:
        end = start + duration
    if end is None:
        if taken.name("end") or taken.name("duration"):
            raise ValueError(f"there is no time in the column {taken.name('end') or taken.name('duration')}")
        end = start
    if offset is not None:  # the times count from the first of several files on
        start, end = offset, offset + (end - start)
    return start, end


def _again(taken: _Columns, cells: list[str], label: TimedLabel, seen: set[tuple[object, ...]]) -> bool:
    """Whether it is the same selection in another view, as Raven writes one that is seen in waveform and spectrogram."""
    number = taken.value(cells, "selection")
    if not number:
        return False
    key = (number, label.recording, label.start_s, label.end_s, label.label)
    again = key in seen
    seen.add(key)
    return again


class _Columns:
    """Where the columns of a format stand in a header."""

    ROLES = ("start", "end", "duration", "offset", "path", "folder", "low", "high", "annotator", "confidence")

    def __init__(self, header: list[str], form: TableForm) -> None:
        self._header = header
        self._at: dict[str, int] = {}
        for number, name in enumerate(header):
            self._at.setdefault(canonical(name), number)
        self._role: dict[str, list[int]] = {role: self._found(getattr(form, role)) for role in self.ROLES}
        self._role["selection"] = self._found(("selection",))
        self.in_samples = any(canonical(self.name("start")) == name for name in form.in_samples)

    def _found(self, names: Iterable[str]) -> list[int]:
        return [self._at[name] for name in names if name in self._at]

    def all_of(self, names: Iterable[str]) -> list[str]:
        return [self._header[number] for number in self._found(names)]

    def name(self, role: str) -> str:
        return self._header[self._role[role][0]] if self._role[role] else ""

    def value(self, cells: list[str], role: str) -> str:
        """The first cell of a role that holds something."""
        for number in self._role[role]:  # no generator: this is done a dozen times a row
            cell = cells[number] if number < len(cells) else ""
            if cell and (cell[0].isdecimal() or not is_missing(cell)):
                return cell
        return ""

    def figure(self, cells: list[str], role: str) -> float:
        cell = self.value(cells, role)
        return figure_in(cell) if cell else math.nan

    def recording(self, cells: list[str]) -> str:
        path, folder = self.value(cells, "path"), self.value(cells, "folder")
        plain = path and "/" not in path and "\\" not in path
        return f"{folder.rstrip('/' + chr(92))}/{path}" if plain and folder else path


def _label_column(
    text: AnnotationText, rows: list[tuple[int, list[str]]], candidates: list[str], wanted: str | None
) -> int | None:
    """The number of the column that gives the labels; None where there are no rows for it to matter.

    Raises:
        DatasetError: the one that is wanted is not there, or none may hold labels.
    """
    header = text.header
    if wanted is not None:
        there = [number for number, name in enumerate(header) if canonical(name) == canonical(wanted)]
        if not there:
            raise no_column(text, wanted, header)
        return there[0]
    numbers = [header.index(name) for name in candidates]
    for number in numbers:
        if any(number < len(cells) and not is_missing(cells[number]) for _, cells in rows):
            return number
    if numbers or not rows:
        return numbers[0] if numbers else None
    raise DatasetError(
        f"no column of {text.path} holds labels; it has: {', '.join(filter(None, header))}",
        "Add a column Annotation with the class of each row, or name the column with --data.label_column",
    )


def no_column(text: AnnotationText, wanted: str, there: Iterable[str]) -> DatasetError:
    """The error for people where labels are wanted from a column, a tier or a tag that a file lacks."""
    named = ", ".join(name for name in there if name) or "none"
    return DatasetError(f"{text.path} has no {wanted!r} for the labels; it has: {named}", "Choose one of these")


def text_columns(text: AnnotationText, without: Iterable[str]) -> Iterator[str]:
    """Columns whose cells are words and no figures, but those of some names."""
    left_out = set(without)
    for number, name in enumerate(text.header):
        begin = text.cells[1 : 1 + LOOKED_AT]
        cells = [cells[number] for _, cells in begin if number < len(cells) and not is_missing(cells[number])]
        figures = sum(not math.isnan(figure_in(cell)) for cell in cells)
        if name and canonical(name) not in left_out and cells and figures < 0.5 * len(cells):
            yield name
