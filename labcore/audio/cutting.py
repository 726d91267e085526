"""Windows of a recording that comes in blocks: those of :func:`window_bounds`, each as soon as it is known to be one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.audio.waveforms import WINDOW_SLACK, window_bounds


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
        after = (
            self._number - 1
        ) * self._hop  # the last window of all begins behind the last one so far, wherever that is
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
