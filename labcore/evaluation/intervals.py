"""Intervals of shares, by themselves: without numpy, which a list of runs needs for nothing else."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

OVERLAP_S = 1e-3
"""What clips share on average, in seconds, below which they follow each other: times are rounded."""


def wilson_interval(hits: float, trials: int, distinct: float | None = None) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson, "Probable inference", JASA 1927.

    Args:
        distinct: of clips that share sound how many there are without what is shared, see :func:`distinct_clips`: the effective sample
            size, which takes the place of the number of trials (Kish, "Survey Sampling", 1965). None where all are distinct.

    Returns:
        lower and upper end, each between 0 and 1; (0, 1) without trials.
    """
    if trials == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / trials
    size = trials if distinct is None else min(float(trials), distinct)
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size**2))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))  # rounding may pass the share


def distinct_clips(files: Sequence[object], starts: Sequence[float], ends: Sequence[float]) -> float | None:
    """How many clips there are without the sound that several of them share: windows that overlap by half are worth three quarters.

    Args:
        files: (clips,) the file of each.
        starts, ends: (clips,) where it lies in it, in seconds.

    Returns:
        Their number times the share of their time that counts once; None where no two overlap.
    """
    of_file: dict[object, list[tuple[float, float]]] = defaultdict(list)
    for file, start, end in zip(files, starts, ends, strict=True):
        of_file[file].append((start, end))
    total = covered = 0.0
    for spans in of_file.values():
        reached = -math.inf
        for start, end in sorted(spans):
            total += max(0.0, end - start)
            covered += max(0.0, end - max(start, reached))
            reached = max(reached, end)
    shared = total - covered
    return len(files) * covered / total if shared > OVERLAP_S * len(files) else None
