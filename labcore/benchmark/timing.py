"""The clock: cases of the same work are interleaved, block by block, so that what disturbs one disturbs all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # torch
    from labcore.benchmark.stepper import Stepper

BLOCK_SECONDS = 0.004
"""Calls shorter than this are timed several at a time: the clock, and waiting for the device, cost microseconds too."""
WARM_UP_CALLS = 2


@dataclass
class CaseTimes:
    """What the clock said of one case. ``taken`` are seconds a call, one for each block."""

    warm_up: int = 0
    calls: int = 1
    taken: list[float] = field(default_factory=list)
    seconds: float = 0.0
    error: BaseException | None = None

    def quartiles_ms(self) -> tuple[float, float, float]:
        """First quartile, median, third quartile, in milliseconds a call."""
        q1, median, q3 = np.percentile(self.taken, [25, 50, 75]) * 1000
        return float(q1), float(median), float(q3)


def warm_up(work: Stepper, seconds: float) -> CaseTimes:
    """Call until what is made at first calls is made, and find out how many calls make a block."""
    times, took, last = CaseTimes(), 0.0, math.inf
    while times.warm_up < WARM_UP_CALLS or (took < 0.15 * seconds and times.warm_up < 50):
        taken = work.seconds(1)
        last, took = min(last, taken), took + taken
        times.warm_up += 1
        if last > seconds:  # a batch this long has warmed everything up
            break
    times.calls = max(1, math.ceil(BLOCK_SECONDS / max(last, 1e-7)))
    return times


def interleave(
    works: Sequence[tuple[Stepper, CaseTimes]],
    seconds: float,
    min_repeats: int,
    max_repeats: int,
    should_stop: Callable[[], bool] = lambda: False,
    deadline: float = math.inf,
) -> None:
    """Time each work block by block, A B A B, until each had its seconds and its least number of repeats.

    What raises is left out from then on; its error stands in its times. After the deadline (of ``time.perf_counter``) each only
    gets the first repeat that it may still lack.
    """
    while not should_stop():
        waiting = [
            (work, times)
            for work, times in works
            if times.error is None
            and len(times.taken) < (max_repeats if time.perf_counter() < deadline else 1)
            and (times.seconds < seconds or len(times.taken) < min_repeats)
        ]
        if not waiting:
            return
        for work, times in waiting:
            try:
                taken = work.seconds(times.calls)
            except (RuntimeError, MemoryError) as error:
                times.error = error
                continue
            times.taken.append(taken)
            times.seconds += taken * times.calls
