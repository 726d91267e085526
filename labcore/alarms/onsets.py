"""How many false alarms a class gives over its threshold, exactly as events are joined, and the threshold for a wanted number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labcore.inference.thresholds import NEVER

MARGIN = 1e-4
"""A threshold lies above a score that it refuses by half of this at most: another machine computes a little differently."""


@dataclass(frozen=True)
class Onsets:
    """The alarms of one class.

    A window begins an alarm at thresholds that it reaches and the window before does not. So neither more windows nor fewer are alarms:
    one long alarm may be several at a higher threshold.

    Attributes:
        low, high: (onsets,) sorted each: a window begins an alarm at thresholds above ``low`` and up to ``high``.
        scores: (scores,) at which the number of alarms changes, rising.
        most: (scores + 1,) the most alarms at any threshold above the score before it, falling; the last is 0: above all scores.
    """

    low: np.ndarray
    high: np.ndarray
    scores: np.ndarray
    most: np.ndarray

    @classmethod
    def of(cls, low: np.ndarray, high: np.ndarray) -> Onsets:
        """From the score before each onset, -1 where there is none, and its own: (onsets,)."""
        low, high = np.sort(low), np.sort(high)
        scores = np.unique(np.concatenate([low[low >= 0], high]))
        counts = np.append(_counts(low, high, scores), 0)
        return cls(low, high, scores, np.maximum.accumulate(counts[::-1])[::-1])

    @cached_property
    def _rising(self) -> np.ndarray:
        """``most`` from its end, as a search wants it."""
        return np.ascontiguousarray(self.most[::-1])

    def count(self, threshold: float) -> int:
        """How many alarms there are at a threshold."""
        return int(_counts(self.low, self.high, np.array([threshold]))[0])

    def place(self, most: float) -> int:
        """The lowest place among ``most`` from which on there are at most so many alarms."""
        return len(self.most) - int(np.searchsorted(self._rising, max(most, 0), "right"))

    def threshold(self, place: int) -> float:
        """The lowest threshold of a place: just above the score before it; 0 for the first."""
        if place == 0 or not len(self.scores):
            return 0.0
        score = float(self.scores[place - 1])
        above = float(self.scores[place]) if place < len(self.scores) else 1.0
        return NEVER if score >= 1 else (score + min(above, score + MARGIN)) / 2

    def refuses(self, threshold: float) -> bool:
        """Whether a threshold lies just above a score of these, as one that was chosen by them does."""
        if threshold >= NEVER or not len(self.scores):
            return False
        place = int(np.searchsorted(self.scores, threshold, "left"))
        return place > 0 and threshold - float(self.scores[place - 1]) <= MARGIN


def _counts(low: np.ndarray, high: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many onsets have each threshold above ``low`` and not above ``high``: those two, sorted, (thresholds,) → (thresholds,)."""
    return np.searchsorted(low, thresholds, "left") - np.searchsorted(high, thresholds, "left")


def places_in_all(classes: list[Onsets], most: int) -> list[int]:
    """Places for several classes that together give at most so many alarms.

    Each class may give equally many. What is left goes to one class after another, the one with the highest threshold first.
    """
    low, high = 0, max(0, most) + 1  # so many alarms a class fit, and so many do not or need not be tried
    while high - low > 1:
        middle = (low + high) // 2
        fits = sum(int(each.most[each.place(middle)]) for each in classes) <= most
        low, high = (middle, high) if fits else (low, middle)
    places = [each.place(low) for each in classes]
    left = most - sum(int(each.most[place]) for each, place in zip(classes, places, strict=True))
    order = sorted(range(len(classes)), key=lambda number: -classes[number].threshold(places[number]))
    for number in order:
        each, place = classes[number], places[number]
        following = int(each.most[place - 1]) if place else None
        if following is not None and following - int(each.most[place]) <= left:
            left -= following - int(each.most[place])
            places[number] = each.place(following)
    return places


def poisson_interval(events: int, hours: float) -> tuple[float, float]:
    """The exact 95 % interval of a rate an hour (Garwood, "Fiducial limits for the Poisson distribution", Biometrika 1936). Without an
    event it is one-sided, from 0 to about 3 / hours: the rule of three."""
    from scipy.stats import chi2

    if not events:
        return 0.0, float(chi2.ppf(0.95, 2)) / 2 / hours
    return float(chi2.ppf(0.025, 2 * events)) / 2 / hours, float(chi2.ppf(0.975, 2 * events + 2)) / 2 / hours


def chosen_interval(events: int, refused: int, hours: float, *, rest: bool = False) -> tuple[float, float]:
    """The exact 95 % interval of a rate an hour above thresholds that the same recordings chose.

    The rate above the (k + 1)-th highest score of a Poisson process, times the hours, is of a gamma distribution of shape k + 1, whatever
    the scores are like: on average k + 1, not the k that were counted. (Order statistics as tolerance limits: Wilks, "Determination of
    sample sizes for setting tolerance limits", Annals of Mathematical Statistics 1941.) Shapes add up over independent classes.

    Args:
        events: counted above all thresholds.
        refused: so many of the thresholds lie just above a score that they refuse.
        rest: there are other thresholds, too, of which :func:`poisson_interval` holds.
    """
    from scipy.stats import gamma

    if not refused or (refused == 1 and not events and not rest):
        return poisson_interval(events, hours)
    return float(gamma.ppf(0.025, events + refused)) / hours, float(gamma.ppf(0.975, events + refused + rest)) / hours
