"""From labels in a recording to windows, each of one class or of all that it holds: on a grid, centred on the labels, or as long as
these are."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from labcore.config import DataConfig
from labcore.datasets.cells import joined
from labcore.datasets.timed.gathering import LabelRow
from labcore.texts import percent

SHORTEST_SECONDS = 0.05
"""A label that is a clip as it is lasts so long at least."""
AUTOMATIC = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Lengths in seconds that are chosen by themselves. Few, so that a recording more seldom changes them: what people decided on windows, and
a check measured, holds for windows of that length."""
SLACK = 0.05
"""By such a share a label may be longer than a window of automatic length."""
MOST_LABELS = 0.9
"""So large a share of the labels is no longer than a window of automatic length."""
NEAR = 1e-6
SHORT, MIXED, SAME = "too short", "overlaps another class", "overlaps its own class"

Window = tuple[float, float]


@dataclass
class Event:
    """A stretch of one class: a label, or several that overlap."""

    start: float
    end: float
    label: str
    rows: list[LabelRow]
    clips: int = 0
    rivals: set[str] = field(default_factory=set)

    @property
    def length(self) -> float:
        return self.end - self.start


def automatic_seconds(rows: Iterable[LabelRow]) -> float:
    """The length of windows for some labels, in seconds: the first of :data:`AUTOMATIC` that most of them are not longer than."""
    lengths = [row.end_s - row.start_s for row in rows if row.outcome == "used"]
    usual = float(np.quantile(lengths, MOST_LABELS)) if lengths else 0.0
    return next((seconds for seconds in AUTOMATIC if seconds >= usual * (1 - SLACK)), AUTOMATIC[-1])


def windows_of(rows: Sequence[LabelRow], length: float, seconds: float, data: DataConfig) -> list[tuple[Window, str]]:
    """The windows of one recording, each with its class, or a cell of all its classes, by time; the rows are told what becomes of them.

    Args:
        rows: its labels that are used.
        length: of the recording in seconds.
        seconds: the length of a window.
    """
    events = _events(rows, exact=data.windows == "exact")
    index = _Index(events)
    made: dict[Window, str] = {}
    for window, own in sorted(_places(events, length, seconds, data), key=lambda each: each[0]):
        overlaps = index.overlaps(window, own, data)
        counting = {events[n].label for n in overlaps}
        labels = _labels(overlaps, events, data)
        for n in overlaps:
            if events[n].label in labels:
                events[n].clips += window not in made
            else:
                events[n].rivals |= counting - {events[n].label}
        if labels:
            made[window] = joined(labels) if data.mixed_windows == "all" else labels[0]
    for event in events:
        _tell(event, seconds, data)
    return sorted(made.items())


def _events(rows: Sequence[LabelRow], exact: bool) -> list[Event]:
    """The labels as events by time: of one class those that overlap are one, or where they are clips themselves those that are equal."""
    open_of: dict[str, Event] = {}
    events: list[Event] = []
    for row in sorted(rows, key=lambda row: (row.start_s, -row.end_s)):
        last = open_of.get(row.label)
        same = last is not None and abs(last.start - row.start_s) < NEAR and abs(last.end - row.end_s) < NEAR
        if last is not None and (same if exact else same or row.start_s < last.end - NEAR):
            last.end = max(last.end, row.end_s)
            last.rows.append(row)
        else:
            events.append(Event(row.start_s, row.end_s, row.label, [row]))
            open_of[row.label] = events[-1]
    return events


def _places(
    events: list[Event], length: float, seconds: float, data: DataConfig
) -> Iterator[tuple[Window, int | None]]:
    """Where windows may lie, each with the number of the event that it is made for, None on a grid."""
    if data.windows == "exact":
        long = ((n, event) for n, event in enumerate(events) if event.length >= SHORTEST_SECONDS)
        yield from (((_round(event.start), _round(event.end)), n) for n, event in long)
    elif data.windows == "centred":
        for n, event in enumerate(events):
            for start in _centred(event, length, seconds):
                yield (_round(start), _round(min(start + seconds, length))), n
    else:
        step = seconds * (1 - data.window_overlap)
        last = max(0, math.ceil((length - seconds) / step - NEAR))
        numbers: set[int] = set()
        for event in events:
            first = math.floor((event.start - seconds) / step)
            numbers |= set(range(max(0, first), min(last, math.floor(event.end / step)) + 1))
        for number in numbers:
            start = min(
                number * step, max(0.0, length - seconds)
            )  # the last one reaches back and is as long as the others
            yield (_round(start), _round(min(start + seconds, length))), None


def _centred(event: Event, length: float, seconds: float) -> list[float]:
    """Where the windows of an event begin: one in its middle; of a longer event several, side by side."""
    count = max(1, round(event.length / seconds))
    starts: list[float] = [(event.start + event.end - seconds) / 2]
    if count > 1:
        starts = np.linspace(event.start, event.end - seconds, count).tolist()
    return [min(max(0.0, start), max(0.0, length - seconds)) for start in starts]


class _Index:
    """Finds the events in a window without looking at all."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._starts = [event.start for event in events]
        self._reach = np.maximum.accumulate([event.end for event in events]).tolist() if events else []

    def overlaps(self, window: Window, own: int | None, data: DataConfig) -> dict[int, float]:
        """The events that a window holds enough of, by number, each with how much in seconds; the one it is made for always."""
        start, end = window
        there: dict[int, float] = {}
        for n in range(bisect_left(self._reach, start - NEAR), bisect_right(self._starts, end)):
            event = self._events[n]
            over = min(end, event.end) - max(start, event.start)
            if over > NEAR or (event.length <= NEAR and start - NEAR <= event.start < end):
                there[n] = max(over, 0.0)
        if own is not None:
            there.setdefault(own, 0.0)
        together: dict[str, float] = defaultdict(float)
        for n, over in there.items():
            together[self._events[n].label] += over
        return {
            n: over
            for n, over in there.items()
            if n == own or self._share(n, over, together, end - start, data) >= data.least_overlap - NEAR
        }

    def _share(self, n: int, over: float, together: dict[str, float], width: float, data: DataConfig) -> float:
        event = self._events[n]
        if event.length <= NEAR:
            return 1.0
        if data.overlap_of == "window":
            return together[event.label] / width
        return over / (event.length if data.overlap_of == "event" else min(event.length, width))


def _labels(overlaps: dict[int, float], events: list[Event], data: DataConfig) -> list[str]:
    """The class of a window, or all of them, the one that fills most of it first; none for one that is left out."""
    together: dict[str, float] = defaultdict(float)
    for n, over in overlaps.items():
        together[events[n].label] += over
    if len(together) > 1 and data.mixed_windows == "drop":
        return []
    order = sorted(sorted(together), key=together.__getitem__, reverse=True)
    return order if data.mixed_windows == "all" else order[:1]


def _tell(event: Event, seconds: float, data: DataConfig) -> None:
    """Tell the rows of an event what became of them."""
    first, *others = event.rows
    if event.clips or not (event.rivals or event.length < SHORTEST_SECONDS or data.windows == "grid"):
        first.clips = event.clips
        for row in others:
            row.outcome, row.reason, row.why = "merged", SAME, f"it overlaps that of line {first.line}"
        return
    for row in event.rows:
        if event.rivals:
            row.drop(MIXED, f"it overlaps {', '.join(sorted(event.rivals))}")
        elif data.windows == "exact":
            row.drop(SHORT, f"it lasts {1000 * event.length:.0f} ms")
        else:
            of = {"window": "of a window", "event": "of it lies in a window", "shorter": "of it or of a window"}[
                data.overlap_of
            ]
            row.drop(SHORT, f"less than {percent(data.least_overlap, 0)} {of}, of {seconds:g} s")


def free_windows(stretches: Iterable[Window], taken: Iterable[Window], length: float, seconds: float) -> list[Window]:
    """Windows side by side in stretches of a recording that touch nothing that is taken, by time.

    Args:
        stretches: that were looked through, (start, end) in seconds.
        taken: what is labelled there, whatever as.
    """
    blocked = _joined(taken)
    starts, ends = np.array([each[0] for each in blocked]), np.array([each[1] for each in blocked])
    found: list[Window] = []
    for begin, end in _joined(stretches):
        end = min(end, length)
        at = begin + seconds * np.arange(max(1, math.floor((end - begin) / seconds + NEAR)))
        to = np.minimum(at + seconds, end)
        if len(blocked):
            following = np.searchsorted(ends, at + NEAR, side="left")
            clear = (following == len(ends)) | (starts[np.minimum(following, len(ends) - 1)] >= to - NEAR)
        else:
            clear = np.ones(len(at), dtype=bool)
        clear &= to - at >= min(seconds, SHORTEST_SECONDS)
        found += [(_round(a), _round(b)) for a, b in zip(at[clear].tolist(), to[clear].tolist(), strict=True)]
    return found


def _joined(spans: Iterable[Window]) -> list[Window]:
    """Spans by time, those that touch as one."""
    joined: list[Window] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _round(seconds: float) -> float:
    return round(seconds, 6)
