"""What the readers of all formats give: labels with their place in a recording, and what could not be read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of a file that is uploaded."""
WHOLE = math.inf
"""The end of a label that lasts to the end of its recording."""


@dataclass(frozen=True)
class TimedLabel:
    """A label of a stretch of a recording.

    Attributes:
        start_s, end_s: seconds from the start of the recording's file; the same for a moment, :data:`WHOLE` for its end.
        label: as the file writes it; "" where it has none.
        line: of the file, from 1; of JSON the number of the label in it.
        recording: as the file names it; "" for the one that the file is named like.
        low_hz, high_hz: its frequencies in Hz, nan where none are given.
        annotator: who or what labelled it, "" where that is not told.
        confidence: from 0 to 1 as a rule, nan where none is given.
        in_samples: the times are samples and not seconds.
    """

    start_s: float
    end_s: float
    label: str
    line: int
    recording: str = ""
    low_hz: float = math.nan
    high_hz: float = math.nan
    annotator: str = ""
    confidence: float = math.nan
    in_samples: bool = False


@dataclass(frozen=True)
class Damage:
    """A row that cannot be read: its line, the recording where it names one, and what is wrong, in words."""

    line: int
    what: str
    recording: str = ""


@dataclass(frozen=True)
class Stretch:
    """A part of a recording that a file is about; ``end_s`` is :data:`WHOLE` for its end."""

    recording: str
    start_s: float = 0.0
    end_s: float = WHOLE


@dataclass
class TimedFile:
    """What a file of annotations says.

    Attributes:
        format: the name of its format.
        column: what gave the labels: the name of a column, a tier or a tag; "" where the format has but one place for them.
        others: what else could have given them.
        damaged: rows that cannot be read.
        about: the stretches that it is about, where it says so, with labels or without: files of several recordings, and clips
            that were looked through. Empty: all of the recordings that it names, or is named like.
        counts_on: its program counts times over several recordings, and no column says where each begins.
    """

    path: Path
    format: str
    labels: list[TimedLabel] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    about: list[Stretch] = field(default_factory=list)
    column: str = ""
    others: tuple[str, ...] = ()
    counts_on: bool = False
