"""Windows of a recording, joined where the label stays."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Segment:
    """A stretch of one label. ``probability`` is the mean over its windows, ``highest`` the largest."""

    start_s: float
    end_s: float
    label: str
    probability: float
    highest: float
    windows: int


def segments_of(answer: dict[str, Any], threshold: float = 0.0) -> list[Segment]:
    """What was heard where, without overlaps.

    Windows overlap, so each stands for the time that lies nearer to its middle than to that of a neighbour; the first and the last reach to
    the ends of the recording. Neighbours of the same label become one segment.

    Args:
        answer: as :meth:`labcore.classifier.Answer.to_dict` gives it.
        threshold: windows whose label is less probable leave a gap.
    """
    windows = answer["windows"]
    middles = [(window["start_s"] + window["end_s"]) / 2 for window in windows]
    cuts = [0.0, *((a + b) / 2 for a, b in itertools.pairwise(middles)), answer["seconds"]]
    found: list[Segment] = []
    for number, window in enumerate(windows):
        label, share = window["label"], window["probability"]
        if share < threshold:
            continue
        start_s, end_s = cuts[number], cuts[number + 1]
        last = found[-1] if found else None
        if last is not None and last.label == label and last.end_s == start_s:
            mean = (last.probability * last.windows + share) / (last.windows + 1)
            found[-1] = Segment(last.start_s, end_s, label, mean, max(last.highest, share), last.windows + 1)
        else:
            found.append(Segment(start_s, end_s, label, share, share, 1))
    return found
