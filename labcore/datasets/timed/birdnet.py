"""Results of BirdNET as CSV: those of its Analyzer, for R too, and of the Python packages around it."""

from __future__ import annotations

from labcore.datasets.columns import words
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText

FORM = TableForm(
    "birdnet",
    start=words("starts starttime start"),
    end=words("ends endtime end"),
    path=words("file filepath filename input path recording"),
    label=words("commonname speciesname label scientificname"),
)


def looks(text: AnnotationText) -> bool:
    names = text.names
    timed = bool(names & set(FORM.start)) and bool(names & set(FORM.end))
    return timed and "confidence" in names and bool(names & {"scientificname", "commonname", "speciesname"})


def read(text: AnnotationText, column: str | None) -> TimedFile:
    return read_table(text, FORM, column)
