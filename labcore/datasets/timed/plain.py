"""A list of labels as people write it by themselves: a row a label, with columns for path, label, start and end of any usual name.

By itself it is a list of clips, each from its start to its end. Beside files of annotations of other recordings it is one of these.
"""

from __future__ import annotations

from labcore.datasets.cliplist import RESULTS
from labcore.datasets.columns import SYNONYMS, canonical
from labcore.datasets.spans import DURATIONS, ENDS, STARTS
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText

_UNITS = ("", "s", "sec", "secs", "seconds", "inseconds")
"""What may stand behind the name of a column of times: those of another unit are not taken."""


def _timed(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name + unit for name in names for unit in _UNITS)


FORM = TableForm(
    "plain",
    start=_timed(STARTS),
    end=_timed(ENDS),
    duration=_timed(DURATIONS),
    path=SYNONYMS["path"],
    label=SYNONYMS["label"],
)
_OWN = tuple(frozenset(map(canonical, columns)) for columns in RESULTS)


def looks(text: AnnotationText) -> bool:
    """Whether it may be one: a list that tells folds is of clips, and what the lab wrote itself are no labels."""
    roles = (FORM.path, FORM.label, FORM.start, (*FORM.end, *FORM.duration))
    there = all(text.names & set(names) for names in roles) and not text.names & set(SYNONYMS["fold"])
    return there and not any(columns <= text.names for columns in _OWN)


def read(text: AnnotationText, column: str | None) -> TimedFile:
    return read_table(text, FORM, column)
