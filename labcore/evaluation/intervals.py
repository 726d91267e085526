"""Intervals of shares, by themselves: without numpy, which a list of runs needs for nothing else."""

from __future__ import annotations

import math


def wilson_interval(hits: float, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson, "Probable inference", JASA 1927.

    Returns:
        lower and upper end, each between 0 and 1; (0, 1) without trials.
    """
    if trials == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
