"""Kaleidoscope's CSV files (cluster.csv, id.csv, meta.csv) and those that BirdNET writes for it."""

from __future__ import annotations

from dataclasses import replace

from labcore.datasets.columns import words
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.table import TableForm, read_table
from labcore.datasets.timed.text import AnnotationText

MANUAL, AUTO = "manualid", words("autoid top1match commonname scientificname")
FORM = TableForm(
    "kaleidoscope",
    start=("offset",),
    duration=("duration",),
    path=("infile",),
    folder=("folder",),
    label=(MANUAL, *AUTO),
    low=("fmin",),
    high=("fmax",),
    confidence=words("confidence matchratio"),
    whole=True,
)
HIGHEST_KHZ = 250.0
"""Bats' frequencies stand in kHz, those of clusters in Hz: a column without any above this is in kHz."""


def looks(text: AnnotationText) -> bool:
    return "infile" in text.names and bool(text.names & {"indir", "folder", "offset", MANUAL, "autoid"})


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels from MANUAL ID; a row without one takes what the program found."""
    found = read_table(text, FORM, column)
    if column is None and found.others:
        second = {label.line: label for label in read_table(text, replace(FORM, label=AUTO)).labels}
        first = {label.line: label for label in found.labels if label.label}
        by_line = {label.line: label for label in found.labels} | second | first
        found.labels = [by_line[line] for line in sorted(by_line)]
    if all(not label.high_hz > HIGHEST_KHZ for label in found.labels):
        found.labels = [replace(each, low_hz=1e3 * each.low_hz, high_hz=1e3 * each.high_hz) for each in found.labels]
    return found
