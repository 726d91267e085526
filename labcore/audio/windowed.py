"""A recording taken window by window: what is found out of each, while the next blocks are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from labcore.audio.cutting import WindowCutter
from labcore.audio.recording import Recording
from labcore.audio.silence import energies_of

Rows = Callable[[], np.ndarray]
"""Waits for what is said of some windows, and gives it: (windows, classes) float32."""
Ask = Callable[[np.ndarray, float, list[tuple[int, int]]], Rows]
"""Asks about windows: int16 (samples,), their scale, first and end of each window."""
OnShare = Callable[[float], None]

AHEAD = 3
"""Questions that may wait for their rows while the next blocks are read."""


@dataclass
class WindowedPrediction:
    """The windows of a recording.

    Attributes:
        samples: length of the recording.
        bounds: first sample and end of each window.
        energies: of each window, as :func:`labcore.audio.silence.energies_of` gives them.
        rows: what was said of each window, probabilities as a rule: (windows, classes) float32.
    """

    samples: int = 0
    bounds: list[tuple[int, int]] = field(default_factory=list)
    energies: list[int] = field(default_factory=list)
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))


def hear(
    recording: Recording, cutter: Callable[[], WindowCutter], ask: Ask, progress: OnShare = lambda share: None
) -> WindowedPrediction:
    """Ask about all windows of a recording while it is read. Its memory does not grow with its length, but for what is said.

    Args:
        cutter: makes the one that cuts the windows, anew for each reading.
        progress: called after each block with the share that was read; what it raises ends it.

    Raises:
        AudioError: as :meth:`Recording.quantised` does, or the recording is empty.
    """
    cutting, found, rows, waiting = cutter(), WindowedPrediction(), list[np.ndarray](), deque[Rows]()
    for block in recording.quantised():
        if block.anew:
            cutting, found, rows, waiting = cutter(), WindowedPrediction(), [], deque()
        stretch = cutting.add(block.samples, block.last)
        if stretch is not None:
            found.bounds += [(stretch.begin + first, stretch.begin + end) for first, end in stretch.bounds]
            found.energies += energies_of(stretch.samples, stretch.bounds)
            waiting.append(ask(stretch.samples, block.scale, stretch.bounds))
        while len(waiting) > (0 if block.last else AHEAD):
            rows.append(waiting.popleft()())
        progress(block.share)
    found.samples, found.rows = cutting.seen, np.concatenate(rows)
    return found
