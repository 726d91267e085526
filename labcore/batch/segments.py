"""What occurs when: windows of a recording, joined where the label stays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labcore.inference.prediction import is_event

THRESHOLD = 0.5
"""A window whose label is less probable tells nothing, where nobody says otherwise."""


@dataclass(frozen=True)
class Segment:
    """A stretch of one label. ``probability`` is the mean over its windows, ``highest`` the largest."""

    start_s: float
    end_s: float
    label: str
    probability: float
    highest: float
    windows: int


@dataclass(frozen=True)
class LabelTotal:
    """A label in a whole recording: how many segments it has, how long they last together, and its highest probability."""

    label: str
    count: int
    total_s: float
    highest: float


def segments_of(prediction: dict[str, Any], threshold: float = 0.0) -> list[Segment]:
    """What occurs where, by time and without overlaps.

    Windows overlap, so each stands for the time that lies nearer to its middle than to that of a neighbour, and for none outside of
    itself; the first and the last reach to the ends of the recording. Neighbours of the same label become one segment.

    Args:
        prediction: as :meth:`labcore.inference.prediction.Prediction.told` gives it.
        threshold: windows whose label is less probable leave a gap; so do silent ones, and those of a class that is no event. What is
            none of the classes is a segment of its own.
    """
    windows = prediction["windows"]
    middles = [(window["start_s"] + window["end_s"]) / 2 for window in windows]
    cuts = [0.0, *((a + b) / 2 for a, b in itertools.pairwise(middles)), prediction["seconds"]]
    found: list[Segment] = []
    for number, window in enumerate(windows):
        label, share = window["label"], window["probability"]
        refused = window.get("unknown", False)  # however sure the network is of its classes
        if (share < threshold and not refused) or window.get("silent", False) or not is_event(label):
            continue
        start_s, end_s = max(cuts[number], window["start_s"]), min(cuts[number + 1], window["end_s"])
        last = found[-1] if found else None
        if last is not None and last.label == label and last.end_s == start_s:
            mean = (last.probability * last.windows + share) / (last.windows + 1)
            found[-1] = Segment(last.start_s, end_s, label, mean, max(last.highest, share), last.windows + 1)
        else:
            found.append(Segment(start_s, end_s, label, share, share, 1))
    return found


def summary_of(segments: Iterable[Segment]) -> list[LabelTotal]:
    """What occurs at all: a line a label, the one that lasts longest first."""
    parts: dict[str, list[Segment]] = {}
    for segment in segments:
        parts.setdefault(segment.label, []).append(segment)
    found = [
        LabelTotal(label, len(own), sum(s.end_s - s.start_s for s in own), max(s.highest for s in own))
        for label, own in parts.items()
    ]
    return sorted(found, key=lambda each: (-each.total_s, each.label))


def with_events(prediction: dict[str, Any], threshold: float = THRESHOLD) -> dict[str, Any]:
    """The prediction about a recording of several windows with what occurs in it: ``events`` by time, ``summary`` by label.

    That about a clip of one window is given back as it is, and so is an error.
    """
    if len(prediction.get("windows", ())) < 2:
        return prediction
    events = segments_of(prediction, threshold)
    told = {"events": [vars(event) for event in events], "summary": [vars(each) for each in summary_of(events)]}
    head = {name: value for name, value in prediction.items() if name != "windows"}
    return {**head, **told, "windows": prediction["windows"]}
