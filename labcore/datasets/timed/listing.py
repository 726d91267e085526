"""The recordings of an annotated data set with their events, as somebody looks through them one by one."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from labcore.datasets.table import natural_order, way_from
from labcore.datasets.timed.gathering import Gathered, LabelRow
from labcore.datasets.timed.recordings import Recordings
from labcore.errors import AudioError


@dataclass(frozen=True)
class EventRecording:
    """A recording and its events.

    Attributes:
        path: the whole one.
        way: its path from the folder of the data set on.
        seconds, rate: how long it lasts, and its sample rate in Hz; nan and 0 where it cannot be read.
        events: whose place in it is known, by time, whatever becomes of them.
        complete: whether somebody said that all is labelled in it; None where nobody said anything.
        trouble: why it cannot be read, "" where it can.
    """

    path: str
    way: str
    seconds: float = math.nan
    rate: int = 0
    events: list[LabelRow] = field(default_factory=list)
    complete: bool | None = None
    trouble: str = ""


def recordings_of(found: Gathered, recordings: Recordings) -> list[EventRecording]:
    """All recordings of a data set by name: those that annotations are about, and those that have none."""
    events: dict[str, list[LabelRow]] = defaultdict(list)
    for row in found.rows:
        if not (math.isnan(row.start_s) or math.isnan(row.end_s)):
            events[row.recording].append(row)
    there = {str(recordings.root.joinpath(*parts).absolute()) for parts in recordings.files} | set(found.seconds)
    listed = []
    for path in natural_order(there):
        seconds, rate, trouble = math.nan, 0, ""
        try:
            seconds, rate = recordings.facts(path)
        except AudioError as error:
            trouble = error.what
        rows = sorted(events[path], key=lambda row: (row.start_s, row.end_s))
        way = way_from(str(recordings.root.absolute()), path)
        listed.append(EventRecording(path, way, seconds, rate, rows, found.complete.get(path), trouble))
    return listed
