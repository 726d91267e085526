"""Sounds that a data set holds more than once: equal files, and copies in another format, at another gain or a little shifted.

Near copies are found in two steps: clips whose fingerprints are near each other, each with its nearest ones, and of those the ones whose
waveforms agree when they are laid over each other. What has been compared is remembered with what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from labcore.audio import Recording
from labcore.datasets.checks.fingerprint import BANDS, LOW_BANDS, WIDE_RATE, comparable
from labcore.datasets.checks.measure import Measured, Span
from labcore.device import usable_cores
from labcore.errors import AudioError
from labcore.jobs.following import OnProgress

NEAR_DB = 1.25
"""Fingerprints that are nearer than this may be of one sound."""
SAME = 0.7
"""Waveforms that agree by so much are of one sound: the largest correlation at any lag, 1 for equal ones."""
NEAREST = 4
"""Of each clip so many others are compared, the nearest ones."""
LENGTHS = 0.3, 0.06
"""Copies differ in length by at most so many seconds, or by this share."""
RATE = 8000
LONGEST_SECONDS = 30.0
"""Waveforms are compared at this rate in Hz where most of them lies below 3.6 kHz, and of a longer clip its beginning."""
WELL_KEPT = 0.45
"""Of a rate so much is a frequency that is kept well."""
DISTANCES = 1 << 22
"""So many distances are held at a time, whatever the number of clips."""
Pair = tuple[int, int]


def candidates(found: Sequence[Measured], related: Callable[[int, int], bool]) -> list[Pair]:
    """Pairs of clips whose fingerprints are near each other.

    Args:
        found: of each clip.
        related: whether two of them are known to be of one recording, and need not be compared.

    Returns:
        Numbers of clips, the lower one first, sorted.
    """
    audible = np.array([bool(each.fingerprint.any()) for each in found])
    wide = np.array([each.rate >= WIDE_RATE for each in found])
    prints = np.stack([each.fingerprint for each in found]) if found else np.zeros((0, 2 * BANDS), np.float32)
    seconds = np.array([each.seconds for each in found])
    pairs: set[Pair] = set()
    every = np.flatnonzero(audible)
    for bands, rows, others in (
        (BANDS, np.flatnonzero(audible & wide), np.flatnonzero(audible & wide)),
        (LOW_BANDS, np.flatnonzero(audible & ~wide), every),
    ):
        if len(rows):
            pairs.update(_near(comparable(prints, bands), rows, others, seconds, related))
    return sorted(pairs)


def _near(
    points: np.ndarray, rows: np.ndarray, others: np.ndarray, seconds: np.ndarray, related: Callable[[int, int], bool]
) -> Iterator[Pair]:
    """Of each row the nearest others that are near it, of about its length and not related."""
    squares = (points * points).sum(axis=1)
    there, count = points[others], max(1, DISTANCES // len(others))
    for first in range(0, len(rows), count):
        block = rows[first : first + count]
        distance = squares[block][:, None] + squares[others][None] - 2 * points[block] @ there.T
        lengths = np.abs(seconds[block][:, None] - seconds[others][None])
        fits = lengths <= np.maximum(LENGTHS[0], LENGTHS[1] * seconds[block])[:, None]
        distance[~fits | (block[:, None] == others[None])] = np.inf
        for row, line in zip(block.tolist(), distance, strict=True):
            near = np.flatnonzero(line < NEAR_DB**2)
            ranked = others[near[np.argsort(line[near], kind="stable")]].tolist()
            for one in islice((one for one in ranked if not related(row, one)), NEAREST):
                yield min(row, one), max(row, one)


def compare(
    spans: Sequence[Span], found: Sequence[Measured | None], pairs: Sequence[Pair], progress: OnProgress
) -> list[float]:
    """How far the waveforms of pairs agree, 0 to 1; 0 for what cannot be read any more. On all cores.

    Args:
        progress: called with (pairs done, pairs), from this thread. What it raises ends the work.
    """
    agree: list[float] = []
    pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="compare")
    try:
        for each in pool.map(lambda pair: _agreement(*_waveforms(pair, spans, found)), pairs):
            agree.append(each)
            progress(len(agree), len(pairs))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return agree


def _waveforms(pair: Pair, spans: Sequence[Span], found: Sequence[Measured | None]) -> list[np.ndarray]:
    """What is compared of two clips, at the rate that the higher one of them needs: of a bat little is left at 8 kHz."""
    of_both = [each for row in pair if (each := found[row]) is not None]
    wanted = max((2.5 * each.half_hz for each in of_both if each.half_hz > WELL_KEPT * RATE), default=RATE)
    rate = int(min([max(wanted, RATE), *(each.rate for each in of_both)]))
    return [_waveform(spans[row], rate) for row in pair]


def _waveform(span: Span, rate: int) -> np.ndarray:
    """The differences of a clip's samples, which leave out an offset and rumble; empty where it cannot be read."""
    seconds = min(LONGEST_SECONDS, 2**19 / rate)
    end_s = span.start_s + seconds if math.isnan(span.end_s) else min(span.end_s, span.start_s + seconds)
    try:
        waveform = Recording(Path(span.path), rate, start_s=span.start_s, end_s=end_s).whole().waveform
    except AudioError:
        return np.zeros(0, np.float32)
    return np.diff(waveform)


def _agreement(one: np.ndarray, other: np.ndarray) -> float:
    """The largest correlation of two waveforms at any lag, 0 to 1. Loud frequencies count for less than they would by themselves: two hums
    of one pitch are not one sound."""
    if not len(one) or not len(other):
        return 0.0
    size = 1 << (len(one) + len(other)).bit_length()
    first, second = (_evened(np.fft.rfft(waveform, size)) for waveform in (one, other))
    scale = math.sqrt(float(np.square(np.abs(first)).sum()) * float(np.square(np.abs(second)).sum()))
    if not scale > 0:
        return 0.0
    return min(1.0, float(np.abs(np.fft.irfft(first * np.conj(second), size)).max()) * size / 2 / scale)


def _evened(spectrum: np.ndarray) -> np.ndarray:
    """A spectrum (bins,) with the roots of its magnitudes, and its phases."""
    magnitudes = np.abs(spectrum)
    return spectrum / np.sqrt(np.maximum(magnitudes, 1e-9 * magnitudes.max(initial=0.0) + 1e-30))
