"""What is fitted to a finished run and kept in its weights: its temperature, what it refuses, its thresholds for events."""

from __future__ import annotations

from typing import TypeVar

from labcore.errors import RunError
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import Thresholds, in_force
from labcore.inference.unknown import Unknown
from labcore.runs import Run

Keepable = TypeVar("Keepable", Temperature, Unknown, Thresholds)
SWITCHED_OFF = "the thresholds for false alarms are off now: they were measured without this change. Measure them again"


def keep(run: Run, kept: Temperature | Unknown | Thresholds) -> bool:
    """Write one into a run's weights, in place of the one that is there. Nothing else in them changes, but that thresholds for false
    alarms which no longer hold are switched off.

    Returns:
        Whether they were.

    Raises:
        RunError: there are no weights, they cannot be read, or the thresholds do not hold for them.
        WorkspaceError: the disk is full or the directory is gone.
    """
    from labcore.inference.classifier import Classifier

    classifier = Classifier.load(run.path)
    setattr(classifier, kept.key, kept)
    thresholds = classifier.thresholds
    now = in_force(classifier.temperature, classifier.unknown.threshold if classifier.unknown is not None else None)
    stale = thresholds is not None and thresholds.on and (thresholds.temperature, thresholds.refusal) != now
    if thresholds is not None and stale:
        if isinstance(kept, Thresholds):
            raise RunError(
                "the thresholds were measured with another temperature or other refusals than the weights have now",
                "Measure the false alarms again",
            )
        classifier.thresholds = thresholds.switched(False)
    classifier.save(run.weights)
    return stale


def kept(run: Run, kind: type[Keepable]) -> Keepable | None:
    """That of a run's weights.

    Raises:
        RunError: there are no weights, or they cannot be read.
    """
    from labcore.inference.weights_file import read_weights_file

    found: Keepable | None = getattr(read_weights_file(run.path), kind.key)
    return found


def switch(run: Run, kind: type[Keepable], on: bool) -> Keepable:
    """Have what is kept applied, or not.

    Raises:
        RunError: there is none, the weights cannot be read, or thresholds do not hold for them.
    """
    there = kept(run, kind)
    if there is None:
        raise RunError(f"run {run.id} has no {kind.title}", "Fit one first")
    changed = there.switched(on)
    if on != there.on:
        keep(run, changed)
    return changed
