"""Intervals, and a test, by resampling recordings: clips of one recording are alike, so that they stand and fall together. No torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np

ROUNDS = 2000
FEWEST_ROUNDS = 400
WORK = 40_000_000
"""Clips that are counted in all rounds together, about: of many clips fewer rounds tell as much."""
FEWEST_RECORDINGS = 4
"""Of two or three recordings a sample takes one alone so often that the ends of the interval are what single recordings give."""
TOGETHER = 1 << 16
"""Clips that are counted at once, about, in several draws: half a megabyte stays near the processor."""

Interval = tuple[float, float]


def resampled(groups: np.ndarray, seed: int = 0, figures: int = 1) -> Iterator[np.ndarray]:
    """Draw as many recordings as there are, with replacement, again and again.

    Args:
        groups: (clips,) the recording of each.
        figures: so many times each clip is counted in a round, which makes for fewer rounds.

    Yields:
        (clips, draws) float64, how often each clip was drawn; some draws at a time.
    """
    _, of_clip = np.unique(groups, return_inverse=True)
    count = int(of_clip.max()) + 1
    random = np.random.default_rng(seed)
    for rounds in _together(len(groups) * figures):
        chosen = random.integers(0, count, (rounds, count)) * rounds + np.arange(rounds)[:, None]
        times = np.bincount(chosen.ravel(), minlength=count * rounds).reshape(count, rounds)
        yield times.astype(np.float64).take(of_clip, axis=0)


def intervals(
    groups: np.ndarray, figures_of: Callable[[np.ndarray], np.ndarray], figures: int = 1
) -> list[Interval | None]:
    """The 95 % intervals of figures over recordings that are drawn anew, see :func:`ends`; the same draws each time. Source: Efron and
    Tibshirani, "An Introduction to the Bootstrap", 1993.

    Args:
        groups: (clips,) the recording of each.
        figures_of: how often each clip was drawn, (clips, draws) → (figures, draws); nan where a draw has no such figure.
        figures: as for :func:`resampled`.

    Returns:
        An interval a figure; None where hardly a draw changes it, as with one recording or without a mistake: then it says nothing.
    """
    rounds = np.concatenate([figures_of(weights) for weights in resampled(groups, figures=figures)], axis=1)
    return ends(rounds.T, len(np.unique(groups)))


def ends(rounds: np.ndarray, recordings: int) -> list[Interval | None]:
    """The expanded 95 % percentile interval of each figure.

    Draws of a few recordings vary less than recordings do, and their spread is itself uncertain: the percentiles lie further out, as far as
    Student's distribution does. Of 12 recordings they are 1.1 and 98.9 in place of 2.5 and 97.5. Source: Hesterberg, "What teachers should
    know about the bootstrap", The American Statistician, 2015.

    Args:
        rounds: (draws, figures), of draws of so many ``recordings``.

    Returns:
        An interval a figure; None where hardly a draw changes it.
    """
    from scipy.special import ndtr, stdtrit  # a tenth of a second, which a list of runs does not need

    if recordings < 2:
        return [None] * rounds.shape[1]
    tail = 100 * ndtr(stdtrit(recordings - 1, 0.025) * np.sqrt(recordings / (recordings - 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a figure that no draw has
        lows, highs = np.nanpercentile(rounds, (tail, 100 - tail), axis=0)
    return [(float(low), float(high)) if low < high else None for low, high in zip(lows, highs, strict=True)]


def flipped(gains: np.ndarray) -> float:
    """How often recordings gain as much together, up or down, where a fair coin gives each gain its sign: the two-sided probability of the
    sign-flip test, which is McNemar's where each recording is one clip. Fewer than six recordings that change never come below 5 %.

    Exact for a few of them, else by draws, the same each time. Source: Fisher, "The Design of Experiments", 1935.

    Args:
        gains: (recordings,) of each, as a number of clips.
    """
    changed = np.abs(gains[gains != 0])
    reached = abs(float(gains.sum())) - 1e-9 * float(changed.sum())
    if 2 ** len(changed) <= _rounds(len(changed)):
        signs = (np.arange(2 ** len(changed))[:, None] >> np.arange(len(changed))) & 1
        return float((np.abs((2 * signs - 1) @ changed) >= reached).mean())
    random = np.random.default_rng(0)
    parts = _together(len(changed))
    totals = np.concatenate([(2 * random.integers(0, 2, (count, len(changed))) - 1) @ changed for count in parts])
    return float((1 + (np.abs(totals) >= reached).sum()) / (1 + len(totals)))


def _rounds(counted: int) -> int:
    """How many, by what is counted in each."""
    return max(FEWEST_ROUNDS, min(ROUNDS, WORK // max(1, counted)))


def _together(counted: int) -> list[int]:
    """The same rounds in parts, those that are drawn at once."""
    rounds, most = _rounds(counted), max(1, TOGETHER // max(1, counted))
    return [min(most, rounds - done) for done in range(0, rounds, most)]
