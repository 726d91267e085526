"""Figures of merit, with what one needs to judge them; all of them follow from a confusion matrix. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labcore.datasets.by_time import recordings_of
from labcore.evaluation.intervals import ByRecording, effective_clips, wilson_interval
from labcore.events import Evaluated
from labcore.inference.prediction import is_event

Confusion = dict[str, dict[str, int]]
"""True label → predicted label → clips, without the empty cells."""


@dataclass(frozen=True)
class Circumstances:
    """What the clips of an evaluation were, for the record.

    Attributes:
        fold: what they are called.
        leaks: whether clips of their recordings were trained on.
        adjusted: how often settings were changed with them in view.
        corrected, trained_on: how many of their labels were corrected; how many of them were trained on.
        distinct: how many there are without the sound that several share, see :func:`labcore.evaluation.intervals.distinct_clips`.
        groups: (clips,) the recording of each; None where that is not known.
        by_recording: what follows from them and from what is right.
    """

    fold: str = "all"
    leaks: bool = False
    adjusted: int = 0
    corrected: int = 0
    trained_on: int = 0
    distinct: float | None = None
    groups: np.ndarray | None = None
    by_recording: ByRecording | None = None

    @property
    def recordings(self) -> np.ndarray | None:
        """(clips,) the groups, of which the parts of a recording that was parted by time are one."""
        return None if self.groups is None else recordings_of(self.groups)

    @property
    def noted(self) -> dict[str, Any]:
        """What every event of an evaluation tells of them."""
        return {name: getattr(self, name) for name in ("fold", "leaks", "adjusted", "corrected", "trained_on")}


def figures_of(confusion: Confusion, about: Circumstances = Circumstances()) -> Evaluated:
    """Accuracy with its 95 % Wilson interval by the effective number of clips, macro F1 (the mean over the classes that occur among the
    true ones), and a row a class."""
    per_class: dict[str, dict[str, float]] = {}
    for label, row in confusion.items():
        hits, clips = row.get(label, 0), sum(row.values())
        taken = sum(other.get(label, 0) for other in confusion.values())
        per_class[label] = {
            "precision": hits / taken if taken else 0.0,
            "recall": hits / clips if clips else 0.0,
            "f1": 2 * hits / (clips + taken) if clips + taken else 0.0,
            "clips": clips,
        }
    clips = sum(sum(row.values()) for row in confusion.values())
    hits = sum(row.get(label, 0) for label, row in confusion.items())
    effective = effective_clips(hits, clips, about.by_recording, about.distinct)
    low, high = wilson_interval(hits, clips, effective)
    occurring = [row["f1"] for row in per_class.values() if row["clips"]]
    macro_f1 = statistics.fmean(occurring) if occurring else 0.0
    return Evaluated(
        accuracy=hits / max(1, clips),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=macro_f1,
        per_class=per_class,
        confusion=confusion,
        clips=clips,
        distinct_clips=about.distinct,
        effective_clips=effective,
        recordings=about.by_recording.recordings if about.by_recording is not None else None,
        by_recording=list(about.by_recording) if about.by_recording is not None else None,
        **about.noted,
    )


@dataclass(frozen=True)
class EventFigures:
    """What becomes of events, where some classes are none (:func:`labcore.inference.prediction.is_event`).

    Attributes:
        no_events: the classes that are no event.
        events, found, missed: clips of events; those predicted as their class; those predicted as no event.
        quiet, false_alarms: clips of no event; those predicted as an event.
    """

    no_events: list[str]
    events: int
    found: int
    missed: int
    quiet: int
    false_alarms: int

    @property
    def sentence(self) -> str:
        return (
            f"{', '.join(self.no_events)} {'are' if len(self.no_events) > 1 else 'is'} no event: {self.found} of {self.events} clips of "
            f"events found, {self.missed} predicted as no event; {self.false_alarms} false alarms in {self.quiet} clips of no event"
        )


def event_figures(confusion: Confusion) -> EventFigures | None:
    """The figures of events alone; None where every class is one."""
    no_events = [label for label in confusion if not is_event(label)]
    if not no_events:
        return None
    counts = dict.fromkeys(("events", "found", "missed", "quiet", "false_alarms"), 0)
    for label, row in confusion.items():
        for predicted, clips in row.items():
            if is_event(label):
                counts["events"] += clips
                counts["found"] += clips if predicted == label else 0
                counts["missed"] += 0 if is_event(predicted) else clips
            else:
                counts["quiet"] += clips
                counts["false_alarms"] += clips if is_event(predicted) else 0
    return EventFigures(no_events, **counts)


def class_rows(per_class: Mapping[str, Mapping[str, float]], confusion: Confusion) -> list[dict[str, Any]]:
    """A row a class for a table, the worst F1 first: ``label``, ``f1``, ``recall``, ``precision`` and ``clips``."""
    rows = [
        {
            "label": label,
            **{name: figures.get(name) for name in ("f1", "recall", "precision")},
            "clips": sum(confusion.get(label, {}).values()),
        }
        for label, figures in per_class.items()
    ]
    return sorted(rows, key=lambda row: row["f1"] or 0.0)


def score(
    predicted: np.ndarray, targets: np.ndarray, labels: list[str], about: Circumstances = Circumstances()
) -> Evaluated:
    """The figures of predictions for clips.

    Args:
        predicted, targets: (clips,) the predicted class and the true one, as numbers.
        labels: the class names by these numbers.
    """
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(matrix, (targets, predicted), 1)
    confusion = {
        label: {other: int(clips) for other, clips in zip(labels, row, strict=True) if clips}
        for label, row in zip(labels, matrix, strict=True)
    }
    if (recordings := about.recordings) is not None:
        by_recording = ByRecording.of((predicted == targets).tolist(), recordings.tolist())
        about = replace(about, by_recording=by_recording)
    return figures_of(confusion, about)
