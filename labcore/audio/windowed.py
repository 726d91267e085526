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
Progress = Callable[[float], None]

AHEAD = 3
"""Questions that may wait for their rows while the next blocks are read."""


@dataclass
class Heard:
    """The windows of a recording.

    Attributes:
        samples: length of the recording.
        bounds: first sample and end of each window.
        energies: of each window, as :func:`labcore.audio.silence.energies_of` gives them.
        rows: what was said of each window, probabilities as a rule: (windows, classes) float32.
    """

    samples: int
    bounds: list[tuple[int, int]]
    energies: list[int]
    rows: np.ndarray


@dataclass
class _Gathered:
    """Of one reading."""

    cutter: WindowCutter
    bounds: list[tuple[int, int]] = field(default_factory=list)
    energies: list[int] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    waiting: deque[Rows] = field(default_factory=deque)

    def take(self, samples: np.ndarray, scale: float, last: bool, ask: Ask) -> None:
        stretch = self.cutter.add(samples, last)
        if stretch is not None:
            self.bounds += [(stretch.begin + first, stretch.begin + end) for first, end in stretch.bounds]
            self.energies += energies_of(stretch.samples, stretch.bounds)
            self.waiting.append(ask(stretch.samples, scale, stretch.bounds))
        self.settle(0 if last else AHEAD)

    def settle(self, most: int) -> None:
        while len(self.waiting) > most:
            self.rows.append(self.waiting.popleft()())


def hear(
    recording: Recording, cutter: Callable[[], WindowCutter], ask: Ask, progress: Progress = lambda share: None
) -> Heard:
    """Ask about all windows of a recording while it is read. Its memory does not grow with its length, but for what is said.

    Args:
        cutter: makes the one that cuts the windows, anew for each reading.
        progress: called after each block with the share that was read; what it raises ends it.

    Raises:
        AudioError: as :meth:`Recording.quantised` does, or the recording is empty.
    """
    gathered = _Gathered(cutter())
    for block in recording.quantised():
        if block.anew:
            gathered = _Gathered(cutter())
        gathered.take(block.samples, block.scale, block.last, ask)
        progress(block.share)
    return Heard(gathered.cutter.seen, gathered.bounds, gathered.energies, np.concatenate(gathered.rows))
