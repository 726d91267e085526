"""What occurs when: windows of a recording, joined where the label stays."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labcore.datasets.cells import joined
from labcore.inference.prediction import NONE_OF_THESE, is_event
from labcore.texts import percent

if TYPE_CHECKING:
    from labcore.inference.thresholds import Thresholds
    from labcore.task.thresholds import LabelThresholds

THRESHOLD = 0.5
"""A window whose label is less probable tells nothing, where nobody says otherwise."""
FULL_SHARE, FULL_SECONDS = 0.9, 60.0
"""Events that fill so large a share of a recording of so many seconds may be what lies between them."""
NO_BACKGROUND = (
    "the network was trained on no class of background, so it takes every sound for one of its classes; it learns one where recordings "
    "are labelled completely (setting Annotations), and a test for false alarms finds higher thresholds"
)
Threshold = float | Mapping[str, float]
"""The least probability of an event: one for all classes, or one a class; those without one have :data:`THRESHOLD`."""


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


def threshold_in_use(
    asked: float | None, thresholds: Thresholds | None, labels: LabelThresholds | None = None
) -> Threshold:
    """What counts: what somebody asks for, else the thresholds of the weights where they are switched on, else the usual one.

    Args:
        labels: those of a classifier of several labels a clip.
    """
    if asked is not None:
        return asked
    if labels is not None:
        return labels.values
    return thresholds.values if thresholds is not None and thresholds.on else THRESHOLD


def threshold_of(threshold: Threshold, label: str) -> float:
    """That of a class."""
    return threshold.get(label, THRESHOLD) if isinstance(threshold, Mapping) else threshold


def event_windows(prediction: dict[str, Any]) -> Iterator[tuple[float, float, dict[str, Any]]]:
    """The windows that can be part of an event, each with the stretch that it stands for, in seconds.

    Windows overlap, so each stands for the time that lies nearer to its middle than to that of a neighbour, and for none outside of
    itself; the first and the last reach to the ends of the recording. Silent ones are left out, and those of a class that is no event.
    """
    windows = prediction["windows"]
    cuts = [0.0, *(_cut(one, other) for one, other in itertools.pairwise(windows)), prediction["seconds"]]
    for number, window in enumerate(windows):
        if not window.get("silent", False) and ("labels" in window or is_event(window["label"])):
            yield max(cuts[number], window["start_s"]), min(cuts[number + 1], window["end_s"]), window


def _cut(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Where a window ends for the one behind it: half way between their middles, and within both where they meet, so that windows that
    only touch meet at the same number."""
    middle: float = (one["start_s"] + one["end_s"] + other["start_s"] + other["end_s"]) / 4
    return min(max(middle, other["start_s"]), one["end_s"])


def segments_of(prediction: dict[str, Any], threshold: Threshold = 0.0) -> list[Segment]:
    """What occurs where, by time: :func:`event_windows`, neighbours of the same label as one segment. Segments overlap where a window has
    several labels.

    Args:
        prediction: as :meth:`labcore.inference.prediction.Prediction.told` gives it.
        threshold: windows whose label is less probable leave a gap. What is none of the classes is a segment of its own.
    """
    found: list[Segment] = []
    last: dict[str, int] = {}  # label → place of its segment that may go on
    for start_s, end_s, window in event_windows(prediction):
        for label, share in _reached(window, threshold):
            place = last.get(label)
            before = found[place] if place is not None else None
            if place is not None and before is not None and before.end_s == start_s:
                mean = (before.probability * before.windows + share) / (before.windows + 1)
                found[place] = Segment(
                    before.start_s, end_s, label, mean, max(before.highest, share), before.windows + 1
                )
            else:
                last[label] = len(found)
                found.append(Segment(start_s, end_s, label, share, share, 1))
    return found


def _reached(window: dict[str, Any], threshold: Threshold) -> list[tuple[str, float]]:
    """The labels of a window that reach the threshold, with their probabilities; of what is none of the classes the highest one."""
    if window.get("unknown", False):  # however sure the network is of its classes
        return [(window["label"], window["probability"])]
    if "labels" not in window:
        label, share = window["label"], window["probability"]
        return [(label, share)] if share >= threshold_of(threshold, label) else []
    return [
        (label, share)
        for label, share in window["probabilities"].items()
        if is_event(label) and share >= threshold_of(threshold, label)
    ]


def with_labels(prediction: dict[str, Any], threshold: Threshold) -> dict[str, Any]:
    """The prediction of a classifier of several labels a clip with the labels that reach a threshold, of clip and windows; any other one
    as it is."""
    if "labels" not in prediction:
        return prediction
    windows = [_labelled(window, threshold) for window in prediction["windows"]]
    return _labelled(prediction, threshold) | {"windows": windows}


def labels_at(probabilities: Mapping[str, float], threshold: Threshold) -> list[str]:
    """The labels that reach a threshold, the most probable first."""
    reached = [label for label, share in probabilities.items() if share >= threshold_of(threshold, label)]
    return sorted(reached, key=lambda label: -probabilities[label])


def _labelled(part: dict[str, Any], threshold: Threshold) -> dict[str, Any]:
    without = part.get("unknown", False) or part.get("silent", False)
    labels = [] if without else labels_at(part["probabilities"], threshold)
    return part | {"labels": labels, "label": joined(labels) or NONE_OF_THESE}


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


def told_if_full(segments: Sequence[Segment], seconds: float, labels: Iterable[str]) -> str:
    """What is to be known where events fill a recording of so many seconds, and no class of the network is one of no event; "" else.

    Args:
        segments: as :func:`segments_of` gives them.
        labels: all classes of the network.
    """
    filled = sum(each.end_s - each.start_s for each in segments if each.label != NONE_OF_THESE)
    if seconds < FULL_SECONDS or filled < FULL_SHARE * seconds or not all(map(is_event, labels)):
        return ""
    return f"events fill {percent(min(filled / seconds, 1.0), 0)} of the recording: {NO_BACKGROUND}"


def notes_of(prediction: dict[str, Any], threshold: Threshold) -> list[str]:
    """What there is to know about a file, and about its events where they fill a long recording."""
    notes = list(prediction.get("notes", ()))
    if len(prediction.get("windows", ())) < 2 or "labels" in prediction:
        return notes
    events = segments_of(prediction, threshold)
    return [*notes, *filter(None, [told_if_full(events, prediction["seconds"], prediction["probabilities"])])]


def with_events(prediction: dict[str, Any], threshold: Threshold = THRESHOLD) -> dict[str, Any]:
    """The prediction about a recording of several windows with what occurs in it: ``events`` by time, ``summary`` by label.

    That about a clip of one window is given back as it is, and so is an error.
    """
    if len(prediction.get("windows", ())) < 2:
        return prediction
    events = segments_of(prediction, threshold)
    told = {"events": [vars(event) for event in events], "summary": [vars(each) for each in summary_of(events)]}
    head = {name: value for name, value in prediction.items() if name != "windows"}
    return {**head, **told, "windows": prediction["windows"]}
