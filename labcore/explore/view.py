"""What is sent to a browser: pictures and curves as small whole numbers, never more columns than a screen can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labcore.inference.prediction import NONE_OF_THESE

if TYPE_CHECKING:
    from labcore.inference.prediction import Window

COLUMNS = 1500
"""A screen shows no more than that."""
BYTES = 700_000
"""Of one view's numbers: under 1 MB also as base64."""
MOST_LABELS = 12
"""At most so many rows: those of the labels that are likeliest somewhere."""
OTHERS = "other labels"
CELLS = 600


@dataclass(frozen=True)
class View:
    """A picture over time.

    Attributes:
        kind: ``spectrogram``, ``mel``, ``log-mel``, ``mfcc`` or ``pcen``.
        values: (rows, columns) int8 or int16, the lowest row first. Decibels are whole ones.
        scale: the values times this are in ``unit``.
        x_seconds: (columns,) the middle of each column.
        y: (rows,) the middle of each row, in Hz or counted from 0.
        y_label: what ``y`` is, e.g. ``frequency (Hz)``.
        unit: ``dB``, or empty for a pure number.
        low, high: the least and the greatest value, in ``unit``.
    """

    kind: str
    values: np.ndarray
    scale: float
    x_seconds: np.ndarray
    y: np.ndarray
    y_label: str
    unit: str
    low: float
    high: float

    def colour_range(self, decibels: float = 80.0) -> tuple[float, float]:
        """The values of the first and the last colour: of levels in dB at most so many below the highest."""
        low, high = self.low, self.high
        if self.unit == "dB":
            low = max(low, high - decibels)
        elif self.kind == "mfcc" and len(self.values) > 1:  # the first is the loudness, and would drown the others
            low, high = (float(edge) * self.scale for edge in np.percentile(self.values[1:], [1, 99]))
        return low, max(high, low + 1e-9)

    @property
    def levels(self) -> np.ndarray:
        """(rows, columns) float32 in ``unit``."""
        return self.values.astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True)
class Envelope:
    """A waveform: its least and greatest sample in each of at most so many columns.

    Attributes:
        low, high: (channels, columns) int16; equal where a column is one sample.
        scale: the values times this are samples of full scale ±1.
        x_seconds: (columns,) the middle of each column; of a column that is one sample, its place.
        exact: each column is one sample.
    """

    low: np.ndarray
    high: np.ndarray
    scale: float
    x_seconds: np.ndarray
    exact: bool

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray, x_seconds: np.ndarray, *, exact: bool) -> Envelope:
        """From samples as floats (channels, columns), also such that lie beyond full scale."""
        scale = max(1.0, float(np.abs(low).max(initial=0)), float(np.abs(high).max(initial=0))) / 32767
        low, high = (np.rint(side / scale).astype(np.int16) for side in (low, high))
        return cls(low, high, scale, x_seconds, exact)


@dataclass(frozen=True)
class Spectrum:
    """Levels over frequency, averaged over time.

    Attributes:
        hz: (bins,) float32.
        decibels: (channels, bins) float32; a sine at full scale is at 0 dB.
    """

    hz: np.ndarray
    decibels: np.ndarray


def probabilities_view(windows: Sequence[Window], start_s: float, end_s: float) -> tuple[View, list[str]]:
    """What a network says of a recording over time, a row a label, in per cent between two moments.

    Windows overlap: where several lie, the highest counts.

    Args:
        windows: of a recording, by time; one of them at least lies between the two moments, be it in part.

    Returns:
        The picture (labels, cells), and the labels of its rows; the likeliest one is the last, which is drawn on top. Where windows are
        refused, a row "none of these" above it is full for as long as they last.
    """
    here = [window for window in windows if window.start_s < end_s and window.end_s > start_s]
    highest = {label: max(window.probabilities[label] for window in here) for label in here[0].probabilities}
    labels = sorted(highest, key=highest.__getitem__, reverse=True)[:MOST_LABELS][::-1]
    edges = np.linspace(start_s, end_s, CELLS + 1)
    begins, ends = np.array([(window.start_s, window.end_s) for window in here], dtype=float).T
    shares = np.array([[window.probabilities[label] for label in labels] for window in here])
    refused = np.array([window.unknown and not window.silent for window in here], dtype=float)
    if refused.any():
        labels, shares = [*labels, NONE_OF_THESE], np.column_stack([shares, refused])
    firsts, lasts = np.searchsorted(ends, edges[:-1], "right"), np.searchsorted(begins, edges[1:], "left")
    columns = [shares[first:last].max(0, initial=0.0) for first, last in zip(firsts, lasts, strict=True)]
    return _in_lanes("probabilities", np.array(columns).T, edges), labels


def events_view(events: Sequence[tuple[float, float, str]], start_s: float, end_s: float) -> tuple[View, list[str]]:
    """What is labelled where in a recording, a row a label: full for as long as an event lasts, and a cell at least.

    Args:
        events: (start, end, label) in seconds; one at least.

    Returns:
        The picture (labels, cells), and the labels of its rows; the most frequent one is the last, which is drawn on top. Of many labels
        the rare ones share the lowest row, :data:`OTHERS`.
    """
    counts = Counter(label for _, _, label in events)
    labels = [label for label, _ in counts.most_common(MOST_LABELS)][::-1]
    if len(counts) > len(labels):
        labels = [OTHERS, *labels[1:]]
    edges, lanes = np.linspace(start_s, end_s, CELLS + 1), {label: lane for lane, label in enumerate(labels)}
    shares = np.zeros((len(labels), CELLS))
    for start, end, label in events:
        first, last = (int(np.searchsorted(edges, time, "right")) - 1 for time in (start, end))
        shares[lanes.get(label, 0), max(0, min(first, CELLS - 1)) : max(1, last + 1)] = 1.0
    return _in_lanes("events", shares, edges), labels


def _in_lanes(kind: str, shares: np.ndarray, edges: np.ndarray) -> View:
    """Shares (labels, cells) as a picture with a row a label; ``edges`` of the cells in seconds."""
    values, rows = np.rint(100 * shares).astype(np.int8), np.arange(len(shares), dtype=np.float64)
    return View(kind, values, 1.0, (edges[:-1] + edges[1:]) / 2, rows, "label", "%", 0.0, 100.0)
