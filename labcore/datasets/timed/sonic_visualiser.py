"""CSV that Sonic Visualiser exports from a layer of regions, boxes, notes or moments, with and without a header."""

from __future__ import annotations

import math
from collections.abc import Sequence

from labcore.datasets.columns import words
from labcore.datasets.timed.labels import Damage, TimedFile, TimedLabel
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText, figure_in, seconds_in

FORM = TableForm(
    "sonic_visualiser",
    start=words("time start frame startframe"),
    end=words("end endframe"),
    duration=("duration",),
    label=("label",),
    in_samples=("frame", "startframe"),
)
MOST_COLUMNS = 5
LOOKED_AT = 20


def looks(text: AnnotationText) -> bool:
    if text.names & {"time", "frame"} and "label" in text.names:
        return text.names <= {*words("time frame value duration extent level uri label start end"), ""}
    rows = [cells for _, cells in text.cells[:LOOKED_AT]]
    plain = text.separator in (",", ";") and all(len(cells) <= MOST_COLUMNS and _figures(cells) for cells in rows[:-1])
    return plain and bool(_figures(text.header)) and any(_figures(cells) < len(cells) for cells in rows)


def _figures(cells: Sequence[str]) -> int:
    """So many figures stand before the label, which is the last cell; none where it is no such row."""
    count = next((n for n, cell in enumerate(cells) if math.isnan(figure_in(cell))), len(cells))
    return count if count and count >= len(cells) - 1 else 0


def read(text: AnnotationText, column: str | None) -> TimedFile:
    if not _figures(text.header):
        return read_table(text, FORM, column)
    found, rows = TimedFile(text.path, FORM.name), []
    for line, cells in text.cells:
        count = _figures(cells)
        if count:
            rows.append((line, [*map(seconds_in, cells[:count])], cells[count] if count < len(cells) else ""))
        else:
            found.damaged.append(Damage(line, f"{cells[0]!r} is not a time" if cells else "it is empty"))
    boxes = _are_boxes([figures for _, figures, _ in rows])
    for line, figures, label in rows:
        start, end, low, high = _placed(figures, boxes)
        found.labels.append(TimedLabel(start, end, label, line, low_hz=low, high_hz=high))
    return found


def _are_boxes(rows: Sequence[Sequence[float]]) -> bool:
    """Whether four figures are start, end, lowest and highest frequency of a box, and not time, pitch, duration and level of a note."""
    four = [row for row in rows if len(row) == 4]
    return any(row[3] > 1 for row in four) and all(row[1] >= row[0] and row[3] >= row[2] for row in four)


def _placed(figures: Sequence[float], boxes: bool) -> tuple[float, float, float, float]:
    """Start, end, lowest and highest frequency of a row by the number of its figures.

    Layers give a moment (time), a region (time, value, duration), a note (time, pitch, duration, level), or a box. Two figures are what
    other programs write: start and end; a moment with a value where the second is before the first.
    """
    start = figures[0]
    if len(figures) == 1:
        return start, start, math.nan, math.nan
    if len(figures) == 2:
        return start, max(start, figures[1]), math.nan, math.nan
    if len(figures) == 4 and boxes:
        return start, figures[1], figures[2], figures[3]
    return start, start + figures[2], math.nan, math.nan
