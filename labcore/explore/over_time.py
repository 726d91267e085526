"""What a network says of a recording over time, as a picture: a row a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labcore.explore.view import View
from labcore.inference.prediction import Window

MOST_LABELS = 12
"""At most so many rows: those of the labels that are likeliest somewhere."""
CELLS = 600


def probabilities_view(windows: Sequence[Window], start_s: float, end_s: float) -> tuple[View, list[str]]:
    """Probabilities in per cent between two moments. Windows overlap: where several lie, the highest counts.

    Args:
        windows: of a recording, by time; one of them at least lies between the two moments, be it in part.

    Returns:
        The picture (labels, cells), and the labels of its rows; the likeliest one is the last, which is drawn on top.
    """
    here = [window for window in windows if window.start_s < end_s and window.end_s > start_s]
    highest = {label: max(window.probabilities[label] for window in here) for label in here[0].probabilities}
    labels = sorted(highest, key=highest.__getitem__, reverse=True)[:MOST_LABELS][::-1]
    edges = np.linspace(start_s, end_s, CELLS + 1)
    begins, ends = np.array([(window.start_s, window.end_s) for window in here], dtype=float).T
    shares = np.array([[window.probabilities[label] for label in labels] for window in here])
    firsts, lasts = np.searchsorted(ends, edges[:-1], "right"), np.searchsorted(begins, edges[1:], "left")
    columns = [shares[first:last].max(0, initial=0.0) for first, last in zip(firsts, lasts, strict=True)]
    values = np.rint(100 * np.array(columns).T).astype(np.int8)
    middles, rows = (edges[:-1] + edges[1:]) / 2, np.arange(len(labels), dtype=np.float64)
    return View("probabilities", values, 1.0, middles, rows, "label", "%", 0.0, 100.0), labels
