"""CSV of Python packages: boxed annotations of OpenSoundscape, and sequences of crowsetta (generic-seq, simple-seq)."""

from __future__ import annotations

from labcore.datasets.columns import words
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText

FORM = TableForm(
    "boxed",
    start=words("starttime onsets"),
    end=words("endtime offsets"),
    path=words("audiofile notatedpath"),
    label=words("label annotation"),
    low=("lowf",),
    high=("highf",),
)


def looks(text: AnnotationText) -> bool:
    boxes, sequences = {"annotationfile", "annotation", "starttime", "endtime"}, {"onsets", "offsets", "label"}
    return boxes <= text.names or sequences <= text.names


def read(text: AnnotationText, column: str | None) -> TimedFile:
    return read_table(text, FORM, column)
