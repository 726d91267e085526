"""Labels of speech with blanks between: RTTM, of which each row names its recording, and ``.lab`` files with start, end and label."""

from __future__ import annotations

from labcore.datasets.timed.labels import Damage, TimedFile, TimedLabel
from labcore.datasets.timed.text import AnnotationText, figure_in, seconds_in

RTTM, LAB = "rttm", "lab"
SPEAKER = "SPEAKER"
NOTHING = "<NA>"
HTK_SECONDS, HTK_LEAST = 1e-7, 1e5
"""HTK counts steps of 100 ns: whole numbers, of which the largest is at least so large."""


def looks_rttm(text: AnnotationText) -> bool:
    cells = text.lines[0][1].split() if text.lines else []
    return len(cells) >= 8 and cells[0] == SPEAKER and figure_in(cells[3]) >= 0 and figure_in(cells[4]) >= 0


def read_rttm(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels from the name of the speaker; rows of other types are about the file as a whole."""
    found = TimedFile(text.path, RTTM)
    for line, row in text.lines:
        cells = row.split()
        if cells[0] != SPEAKER:
            continue
        try:
            start, length, label = seconds_in(cells[3]), seconds_in(cells[4]), cells[7]
        except (IndexError, ValueError) as error:
            what = str(error) if isinstance(error, ValueError) else f"it has {len(cells)} of 10 fields"
            found.damaged.append(Damage(line, what, cells[1] if len(cells) > 1 else ""))
            continue
        found.labels.append(TimedLabel(start, start + length, "" if label == NOTHING else label, line, cells[1]))
    return found


def looks_lab(text: AnnotationText) -> bool:
    """Two times to begin with, and a file that is named as one of labels."""
    cells = text.lines[0][1].split(maxsplit=2) if text.lines else []
    times = [figure_in(cell) for cell in cells[:2]]
    return (
        text.path.suffix.lower() in (".lab", ".labels") and len(cells) == 3 and times[1:] >= times[:1] and times[0] >= 0
    )


def read_lab(text: AnnotationText, column: str | None) -> TimedFile:
    found = TimedFile(text.path, LAB)
    rows = [(line, row.split(maxsplit=2)) for line, row in text.lines]
    step = HTK_SECONDS if _is_htk([cells for _, cells in rows]) else 1.0
    for line, cells in rows:
        try:
            start, end = (step * seconds_in(cell) for cell in (*cells, "")[:2])
        except ValueError as error:
            found.damaged.append(Damage(line, str(error)))
            continue
        found.labels.append(TimedLabel(start, end, cells[2].strip() if len(cells) > 2 else "", line))
    return found


def _is_htk(rows: list[list[str]]) -> bool:
    times = [cell for cells in rows for cell in cells[:2]]
    return all(map(str.isdecimal, times)) and max(map(int, times), default=0) >= HTK_LEAST
