"""How long epochs take, to say how long the rest will."""

from __future__ import annotations

import time
from collections import deque
from statistics import fmean


class EpochPace:
    """Seconds an epoch, by those that were done. The first step of the process, which compiles and warms up, counts as any other one.

    Args:
        every: an evaluation follows every so many epochs.
    """

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self._epochs: deque[float] = deque(maxlen=8)  # without evaluation
        self._evaluations: deque[float] = deque(maxlen=8)
        self._steps, self._first, self._start, self._behind_first = 0, 0.0, 0.0, 0.0

    def begin(self) -> None:
        """A new epoch."""
        self._start, self._steps = time.perf_counter(), 0

    @property
    def seconds(self) -> float:
        """Since the epoch at hand began."""
        return time.perf_counter() - self._start

    def stepped(self) -> None:
        self._steps += 1
        if self._steps == 1 and not self._epochs:
            self._behind_first = time.perf_counter()
            self._first = self._behind_first - self._start

    @property
    def known(self) -> bool:
        """Whether anything can be said yet."""
        return bool(self._epochs) or self._steps > 1

    def left(self, epochs: int, steps: int) -> float:
        """Seconds to the end of the epoch at hand, of so many steps, and of so many epochs more."""
        if self._epochs:
            return max(0.0, self.after(1) - self.seconds) + self.after(epochs)
        step = (time.perf_counter() - self._behind_first) / max(1, self._steps - 1)
        return (max(0, steps - self._steps) + epochs * steps) * step

    def after(self, epochs: int) -> float:
        """Seconds that so many epochs take, when at least one was done."""
        evaluating = fmean(self._evaluations) if self._evaluations else 0.0
        return epochs * (fmean(self._epochs) + evaluating / self.every)

    def end(self, evaluating: float | None = None) -> float:
        """The epoch is over; returns the seconds it took.

        Args:
            evaluating: seconds of its evaluation; None where there was none.
        """
        seconds = self.seconds
        usual = seconds - (evaluating or 0.0)
        if evaluating is not None:
            self._evaluations.append(evaluating)
        if not self._epochs and self._steps > 1:
            usual = (usual - self._first) * self._steps / (self._steps - 1)
        self._epochs.append(usual)
        return seconds
