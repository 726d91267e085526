"""Values that stand far above their neighbours, so that a chart can be drawn for the others."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

NEIGHBOURS = 3
"""So many values on either side say what is usual at a place."""
FACTOR = 6.0
"""A value so many times above what is usual is a spike."""
WORTH = 1.5
"""Spikes are cut only where they stand so many times above everything else: lower ones do no harm."""


def ceiling(curves: Sequence[Sequence[float]]) -> float | None:
    """Where to cut a chart of positive values such that spikes do not rule it; None where nothing is to be cut.

    A curve that comes down from a high beginning is no spike, nor is one that goes up for good: it has neighbours there.
    """
    usual, spikes = [], []
    for curve in curves:
        values = [value for value in curve if value == value]  # what is not a number is not drawn
        for place, value in enumerate(values):
            around = [*values[max(0, place - NEIGHBOURS) : place], *values[place + 1 : place + 1 + NEIGHBOURS]]
            spike = value == float("inf") or (len(around) > 1 and value > FACTOR * median(around) > 0)
            (spikes if spike else usual).append(value)
    if not spikes or not usual:
        return None
    top = 1.15 * max(usual)
    return top if max(spikes) > WORTH * top else None
