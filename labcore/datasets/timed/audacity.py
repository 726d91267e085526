r"""Audacity's label tracks: start, end and label with tabs between; behind a label that has frequencies a line ``\`` with them."""

from __future__ import annotations

import math
from dataclasses import replace

from labcore.datasets.timed.labels import Damage, TimedFile, TimedLabel
from labcore.datasets.timed.text import AnnotationText, figure_in, seconds_in

NAME = "audacity"
FREQUENCIES = "\\"


def looks(text: AnnotationText) -> bool:
    """Two times to begin with, and tabs."""
    times = text.header[:2]
    return text.separator == "\t" and len(times) == 2 and not any(math.isnan(figure_in(cell)) for cell in times)


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """A fourth cell is the confidence, as BirdNET writes it."""
    found = TimedFile(text.path, NAME)
    for line, cells in text.cells:
        if cells[0] == FREQUENCIES:
            _add_frequencies(found, line, cells)
            continue
        try:
            start, end = (seconds_in(cell) for cell in (*cells, "")[:2])
        except ValueError as error:
            found.damaged.append(Damage(line, str(error)))
            continue
        label = cells[2] if len(cells) > 2 else ""
        found.labels.append(
            TimedLabel(start, end, label, line, confidence=figure_in(cells[3]) if len(cells) > 3 else math.nan)
        )
    return found


def _add_frequencies(found: TimedFile, line: int, cells: list[str]) -> None:
    """Give the label before their line its frequencies; what is below zero is none."""
    low, high = (figure_in(cell) for cell in (*cells[1:], "", "")[:2])
    if not found.labels or (found.damaged and found.damaged[-1].line == line - 1):
        if not found.damaged:
            found.damaged.append(Damage(line, "frequencies stand before the first label"))
        return
    low, high = (figure if figure >= 0 else math.nan for figure in (low, high))
    found.labels[-1] = replace(found.labels[-1], low_hz=low, high_hz=high)
