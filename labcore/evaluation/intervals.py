"""Intervals of shares, by themselves: without numpy, which a list of runs needs for nothing else."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

OVERLAP_S = 1e-3
"""What clips share on average, in seconds, below which they follow each other: times are rounded."""


def wilson_interval(hits: float, trials: int, effective: float | None = None) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson, "Probable inference", JASA 1927.

    Args:
        effective: the effective sample size, see :func:`effective_clips`, which takes the place of the number of trials. None where all
            are independent.

    Returns:
        lower and upper end, each between 0 and 1; (0, 1) without trials.
    """
    if trials == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / trials
    size = trials if effective is None else min(float(trials), effective)
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


class ByRecording(NamedTuple):
    """What recordings tell of clips that are right or wrong together.

    Attributes:
        recordings: how many there are.
        hits, products, clips: sums over them: of the squares of the clips that are right, of these times all clips, of the squares of all.
    """

    recordings: int
    hits: float
    products: float
    clips: float

    @classmethod
    def of(cls, right: Sequence[bool], recordings: Sequence[object]) -> ByRecording:
        """Of clips: whether each is right, and the recording that it is of, (clips,) each."""
        clips, hits = Counter(recordings), Counter[object]()
        for each, recording in zip(right, recordings, strict=True):
            hits[recording] += int(each)
        pairs = [(hits[recording], count) for recording, count in clips.items()]
        return cls(len(pairs), sum(h * h for h, _ in pairs), sum(h * n for h, n in pairs), sum(n * n for _, n in pairs))

    @classmethod
    def together(cls, parts: Iterable[Sequence[float] | None]) -> ByRecording | None:
        """That of evaluations on other recordings each, as those of folds; None where one does not tell."""
        told = list(parts)
        known = [part for part in told if part is not None]
        if not known or len(known) < len(told):
            return None
        recordings, *sums = map(sum, zip(*known, strict=True))
        return cls(int(recordings), *sums)


def effective_clips(
    hits: float, clips: int, by_recording: ByRecording | None, distinct: float | None = None
) -> float | None:
    """How many independent clips would tell as much of the accuracy: those of one recording are right or wrong together.

    Their number over the design effect, the variance of the accuracy between recordings as a multiple of that of single clips. Source:
    Kish, "Survey Sampling", 1965; with Wilson's interval: Franco, Little, Louis and Slud, "Comparative study of confidence intervals for
    proportions in complex sample surveys", Journal of Survey Statistics and Methodology, 2019.

    Args:
        distinct: what they are at most, see :func:`distinct_clips`.

    Returns:
        None where that is as many as there are. One recording alone tells nothing of others: then its clips are counted.
    """
    size = float(clips) if distinct is None else min(float(clips), distinct)
    if by_recording is not None and 1 < by_recording.recordings < clips:
        count, of_hits, products, of_clips = by_recording
        share = hits / clips
        between = (of_hits - 2 * share * products + share * share * of_clips) * count / (count - 1)
        if between > 1e-9 * abs(of_clips):  # else all recordings are alike
            size = min(size, max(1.0, float(clips) * clips * share * (1 - share) / between))
    return size if size < clips else None
