"""The formats of time-stamped annotations, told apart by what stands in a file and not by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labcore.datasets.timed import (
    aoef,
    audacity,
    birdnet,
    boxed,
    dcase,
    kaleidoscope,
    label_studio,
    plain,
    raven,
    sonic_visualiser,
    spoken,
    textgrid,
)
from labcore.datasets.timed.labels import TimedFile
from labcore.datasets.timed.text import HEAD, AnnotationText
from labcore.errors import DatasetError

SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".textgrid", ".aoef", ".lab", ".labels", ".ann", ".rttm")
"""Endings of files that are looked into."""
DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What goes wrong with JSON that is not made as it should be: parts that are missing, or of another kind."""


@dataclass(frozen=True)
class Format:
    """A format: its name for people, whether the beginning of a file looks like it, and what reads such a file.

    ``read`` takes the file and the name of the column, tier or tag that gives the labels, None for the one that is likely.
    """

    title: str
    looks: Callable[[AnnotationText], bool]
    read: Callable[[AnnotationText, str | None], TimedFile]


FORMATS = {
    "textgrid": Format("Praat TextGrid", textgrid.looks, textgrid.read),
    "aoef": Format("AOEF (Whombat)", aoef.looks, aoef.read),
    "label_studio": Format("Label Studio export", label_studio.looks, label_studio.read),
    "raven": Format("Raven selection table", raven.looks, raven.read),
    "kaleidoscope": Format("Kaleidoscope CSV", kaleidoscope.looks, kaleidoscope.read),
    "birdnet": Format("BirdNET CSV", birdnet.looks, birdnet.read),
    "boxed": Format("CSV of OpenSoundscape or crowsetta", boxed.looks, boxed.read),
    "dcase": Format("DCASE event list", dcase.looks, dcase.read),
    "rttm": Format("RTTM", spoken.looks_rttm, spoken.read_rttm),
    "audacity": Format("Audacity labels", audacity.looks, audacity.read),
    "lab": Format("label file with blanks", spoken.looks_lab, spoken.read_lab),
    "sonic_visualiser": Format("Sonic Visualiser CSV", sonic_visualiser.looks, sonic_visualiser.read),
}
"""Name → format, in the order in which they are tried. A new one is a file with ``looks`` and ``read``, and a line here."""


PLAIN = "plain"
"""The format of a list that is one of annotations beside others only."""
BY_NAME = FORMATS | {PLAIN: Format("list of labels with times", plain.looks, plain.read)}
"""All that can be read: :data:`FORMATS`, and :data:`PLAIN`."""
EMPTY = "audacity"
"""The format of a file without anything in it: Audacity writes a track without labels so."""


def is_empty(path: Path) -> bool:
    """Whether a file has an ending of Audacity's and nothing in it."""
    try:
        return path.suffix.lower() == ".txt" and path.stat().st_size == 0
    except OSError:
        return False


def recognised(path: Path, formats: Mapping[str, Format] = FORMATS) -> str:
    """The name of the format of a file; "" where it is none of annotations, or cannot be read."""
    if path.suffix.lower() not in SUFFIXES:
        return ""
    try:
        begin = AnnotationText.of(path, HEAD)
    except DatasetError:
        return ""
    return next((name for name, format in formats.items() if begin.lines and format.looks(begin)), "")


def read_timed_file(path: Path, format: str, column: str | None = None) -> TimedFile:
    """Read a file of annotations.

    Args:
        format: its name, as :func:`recognised` gives it.
        column: the column, tier or tag that gives the labels; None for the likely one.

    Raises:
        DatasetError: it cannot be read, is not whole, or has no such column.
    """
    chosen, text = BY_NAME[format], AnnotationText.of(path)
    try:
        return chosen.read(text, column)
    except DAMAGE as error:
        raise DatasetError(
            f"{path} is not a whole {chosen.title}: {type(error).__name__} {error}",
            "Export it again from the program that made it",
        ) from error
