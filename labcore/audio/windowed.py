"""A recording taken window by window: how it is cut, what is found out of each window while the next blocks are read, and which count.

A window is silent where it has less than a thousandth of the energy of the clip's loudest window, 30 dB below it: what is heard there
is the pause between sounds, of which the label says nothing. The rule is relative to the clip, so that a faint recording is none. It is one
rule for training crops, held-out clips and classification.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from labcore.audio.recording import Recording
from labcore.audio.waveforms import WINDOW_SLACK, window_bounds

Rows = Callable[[], np.ndarray]
"""Waits for what is said of some windows, and gives it: (windows, classes) float32."""
Ask = Callable[[np.ndarray, float, list[tuple[int, int]]], Rows]
"""Asks about windows: int16 (samples,), their scale, first and end of each window."""
OnShare = Callable[[float], None]

AHEAD = 3
"""Questions that may wait for their rows while the next blocks are read."""
SILENT = 1e-3
"""Energy below this share of the loudest window's is silence."""


@dataclass(frozen=True)
class Stretch:
    """Some windows, one after the other.

    Attributes:
        samples: (samples,) all that the windows cover.
        begin: where the first of them lies in the recording.
        bounds: (first, end) of each window, counted from ``begin``.
    """

    samples: np.ndarray
    begin: int
    bounds: list[tuple[int, int]]


class WindowCutter:
    """Takes a recording block by block.

    Args:
        window, hop: as for :func:`window_bounds`.
        together: windows are handed out in multiples of so many, but for the last.

    Attributes:
        seen: samples that were taken.
    """

    def __init__(self, window: int, hop: int, together: int = 1) -> None:
        self._window, self._hop, self._together = window, min(hop, window), together
        self._slack = int(window * WINDOW_SLACK)
        self._kept: list[np.ndarray] = []
        self._at = 0  # where what is kept begins
        self._number = 0  # of the next window
        self.seen = 0

    def add(self, samples: np.ndarray, last: bool) -> Stretch | None:
        """Take the next samples; the windows that are complete now, if there are enough of them. ``last``: the recording ends here."""
        self.seen += len(samples)
        if len(samples):
            self._kept.append(samples)
        bounds = self._bounds(last)
        if not bounds:
            return None
        kept = self._kept[0] if len(self._kept) == 1 else np.concatenate(self._kept)
        begin, end = bounds[0][0], bounds[-1][1]
        stretch = Stretch(kept[begin - self._at : end - self._at], begin, [(a - begin, b - begin) for a, b in bounds])
        self._number += len(bounds)
        # the last window of all begins behind the last one so far, wherever that is
        after = (self._number - 1) * self._hop
        self._kept, self._at = [kept[after - self._at :].copy()], after
        return stretch

    def _bounds(self, last: bool) -> list[tuple[int, int]]:
        if last:
            return window_bounds(self.seen, self._window, self._hop)[self._number :]
        # A window has its usual length where enough comes behind it; that of the last one follows from the end.
        begin = self._number * self._hop
        ready = (self.seen - self._window - self._slack - 1 - begin) // self._hop + 1
        ready -= ready % self._together
        firsts = [begin + number * self._hop for number in range(ready)]
        return [(first, first + self._window) for first in firsts]


@dataclass
class WindowedPrediction:
    """The windows of a recording.

    Attributes:
        samples: length of the recording.
        bounds: first sample and end of each window.
        energies: of each window, as :func:`energies_of` gives them.
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


def energies_of(samples: np.ndarray, bounds: list[tuple[int, int]]) -> list[int]:
    """The sum of squares of each window of int16 samples, as whole numbers, so that they are the same in whatever order they are summed."""
    windows = (samples[begin:end].astype(np.int64) for begin, end in bounds)
    return [int(window @ window) for window in windows]


def weights_of_energies(energies: list[int], silent_windows: str = "skip") -> np.ndarray:
    """How much what is said of a clip's windows counts: 1 where they hold sound, 0 where they are silent.

    Args:
        energies: of its windows, as :func:`energies_of` gives them.
        silent_windows: ``audio.silent_windows``: skip, or count, by which all of them do.

    Returns:
        (windows,) float32; ones where there is one window or none, and where the whole clip is digital silence.
    """
    if len(energies) < 2 or silent_windows == "count":
        return np.ones(len(energies), dtype=np.float32)
    of_windows = np.array(energies, dtype=np.float64)
    return (of_windows >= SILENT * of_windows.max()).astype(np.float32)
