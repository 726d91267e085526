"""What became of the labels of annotations, in words: every one that was merged or dropped is in it, with its row."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from labcore.config import DataConfig
from labcore.datasets.table import Finding, natural_order, some
from labcore.datasets.timed.gathering import (
    DAMAGED,
    OUTSIDE,
    UNKNOWN,
    UNLABELLED,
    UNREADABLE,
    UNSURE,
    Gathered,
    LabelRow,
)
from labcore.datasets.timed.windows import MIXED, SAME, SHORT
from labcore.texts import counted, shown

TOLD = {
    DAMAGED: ("not readable", "Correct these rows in the program that wrote them"),
    UNKNOWN: (
        "no such recording",
        "Put the recordings beside the annotations, or correct the paths in these",
    ),
    UNREADABLE: (
        "the recording cannot be read",
        "Fetch or export it again. Of one that is cut off `ffmpeg -i FILE whole.wav` keeps what there is: give it the name of the old one",
    ),
    OUTSIDE: (
        "outside of the recording",
        "If the times count over several files, as Raven's do, add the measurement File Offset (s) to the table",
    ),
    UNLABELLED: ("no label", "Fill it in where it is a sound of a class"),
    UNSURE: ("below the least confidence", ""),
    MIXED: (
        "another class in each of the windows",
        "Choose shorter windows, --data.windows exact where labels touch each other, --data.mixed_windows longest to take the class that "
        "fills most of a window, or all to learn several labels a window",
    ),
    SHORT: ("too short", "Choose shorter windows, a smaller least overlap, or windows centred on the labels"),
    SAME: ("overlap of one class", ""),
}  # fmt: skip
"""Reason → what is said of the labels, and what to do."""
NOTES = frozenset({UNSURE, SAME})
"""Reasons that are no cause for concern."""
FILES, LINES = 3, 6
"""So many are named of either."""

COLUMNS = (
    "file", "line", "recording", "start_s", "end_s", "low_hz", "high_hz", "label", "annotator", "confidence", "outcome", "why",
    "clips", "edited",
)  # fmt: skip


def findings_of(found: Gathered, data: DataConfig, seconds: float, background: int) -> list[Finding]:
    """What is told of the labels: a finding for each reason, classes that are gone, and how clips were cut."""
    by_reason: dict[str, list[LabelRow]] = defaultdict(list)
    for row in found.rows:
        if row.outcome != "used":
            by_reason[row.reason].append(row)
    told = [_finding(reason, by_reason[reason], found) for reason in TOLD if reason in by_reason]
    cut = [row for row in found.rows if row.outcome == "used" and row.why]
    if cut:
        what = f"{counted(len(cut), 'label')} cut off at the end of the recording: {rows_in_words(cut)}"
        told.append(Finding("labels cut off", what, _files(cut)))
    if gone := _gone(found.rows):
        what = f"no clip is left of {some(gone)}: all of their labels were dropped"
        told.append(Finding("classes dropped", what, remedy="See the reasons above"))
    return [*told, _how(found, data, seconds, background)]


def _finding(reason: str, rows: Sequence[LabelRow], found: Gathered) -> Finding:
    what, remedy = TOLD[reason]
    unit = "row" if reason == DAMAGED else "label"
    done = "merged" if reason == SAME else "dropped"
    many = f"{len(rows):,} of {counted(len(found.rows), 'label')}" if unit == "label" else counted(len(rows), unit)
    labels = Counter(row.label for row in rows if row.label)
    of = f" ({some(f'{shown(label)} {count}' for label, count in labels.most_common())})" if labels else ""
    particulars = Counter(row.why for row in rows if row.why != reason)
    told = [why for why, _ in particulars.most_common(1)] if reason != SAME else []
    first = f" ({'the first: ' if len(particulars) > 1 else ''}{told[0]})" if told else ""
    sentence = f"{many}{of} {done}: {what}{first}; {rows_in_words(rows)}"
    return Finding(f"labels {done}", sentence, _files(rows), remedy, "note" if reason in NOTES else "warning")


def reasons_in_words(rows: Sequence[LabelRow]) -> str:
    """Why labels were dropped, by reason with the first of each: ``no such recording (there is no recording 'a.wav'; 3)``."""
    counts = Counter(row.reason for row in rows).most_common()
    first = {row.reason: row.why for row in reversed(rows)}
    return "; ".join(f"{TOLD[reason][0]} ({first[reason]}; {count})" for reason, count in counts)


def rows_in_words(rows: Iterable[LabelRow]) -> str:
    """Where labels stand: ``night.txt lines 3, 7 and 9; dawn.txt line 2``."""
    lines: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        lines[row.file.name].append(row.line)
    told = []
    for name, held in lines.items():
        unit = "label" if name.lower().endswith((".json", ".aoef")) else "line"
        told.append(f"{shown(name)} {unit}{'s' * (len(held) > 1)} {some(map(str, held), LINES)}")
    return "; ".join(told[:FILES]) + (f"; and {len(told) - FILES} more files" if len(told) > FILES else "")


def _gone(rows: Iterable[LabelRow]) -> list[str]:
    """Classes of which every label was dropped."""
    rows = [row for row in rows if row.label]
    left = {row.label for row in rows if row.outcome == "used"}
    return natural_order({row.label for row in rows} - left)


def _how(found: Gathered, data: DataConfig, seconds: float, background: int) -> Finding:
    used = sum(row.outcome == "used" for row in found.rows)
    form = {
        "exact": "each label is a clip as it is",
        "centred": f"windows of {seconds:g} s are centred on the labels",
        "grid": f"windows of {seconds:g} s on a grid",
    }[data.windows]
    what = f"{used:,} of {counted(len(found.rows), 'label')} in {counted(len(found.seconds), 'recording')} are used: {form}"
    if data.annotations == "complete" or any(found.complete.values()):
        what += f"; {counted(background, 'window')} of background"
        if data.annotations != "complete":
            what += f" from {counted(sum(found.complete.values()), 'recording')} that somebody said to be complete"
        if found.uncertain:
            what += f", none from {counted(len(found.uncertain), 'recording')} with rows that cannot be read"
    else:
        what += "; what is not labelled is not used, since the annotations are not said to be complete"
    return Finding("windows", what, level="note")


def _files(rows: Iterable[LabelRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(row.file) for row in rows))


def as_rows(rows: Iterable[LabelRow]) -> list[dict[str, Any]]:
    """All labels as the rows of a table with :data:`COLUMNS`; what is not known is None."""
    table = []
    for row in rows:
        cells = {name: getattr(row, name) for name in COLUMNS} | {"file": shown(row.file)}
        unknown = {name: None for name, cell in cells.items() if isinstance(cell, float) and not math.isfinite(cell)}
        table.append(cells | unknown | {"recording": shown(row.recording), "label": shown(row.label)})
    return table


def by_label(rows: Iterable[LabelRow]) -> list[dict[str, Any]]:
    """A row a class: its labels, how many are used, merged and dropped, how long the used ones last, and its clips."""
    found: dict[str, list[LabelRow]] = defaultdict(list)
    for row in rows:
        found[row.label].append(row)
    return [
        {
            "label": shown(label),
            "labels": len(held),
            **{outcome: sum(row.outcome == outcome for row in held) for outcome in ("used", "merged", "dropped")},
            "seconds": round(sum(row.end_s - row.start_s for row in held if row.outcome == "used"), 3),
            "clips": sum(row.clips for row in held),
        }
        for label, held in ((label, found[label]) for label in natural_order(set(found)))
    ]
