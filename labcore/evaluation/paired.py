"""Whether one of two classifiers is better on the clips that both judged, or whether that may be chance. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from labcore.datasets.by_time import recording_of
from labcore.evaluation.bootstrap import flipped, intervals
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.texts import counted

KEY = ["clip", "start_s"]
"""What tells a clip of a data set."""
LEVEL = 0.05


@dataclass(frozen=True)
class Pairs:
    """Clips that two sides judged, a side being one classifier or several of one recipe.

    Attributes:
        frame: a row a clip: clip, start_s, end_s, group, label; and of each side, ``one_`` and ``other_``: right (the share of its
            classifiers that are right), predicted and probability (of its first one).
        of_one, of_other: so many clips each side judged in all.
        relabelled: clips whose label was another one when the first side was judged; that of the other side counts.
        unknown: clips left out since a side does not know their class.
        single: each side is one classifier.
    """

    frame: pd.DataFrame
    of_one: int
    of_other: int
    relabelled: int
    unknown: int
    single: bool

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Difference:
    """How much better the other side is, as shares from -1 to 1.

    Attributes:
        one, other: the accuracies of both sides on these clips.
        low, high: the 95 % interval of ``other - one``, by recording; None where all clips are of one recording.
        won, lost: clips that the other side alone has right, or wrong.
        p: the exact probability of McNemar's test; None where a side has several classifiers.
        p_recordings: that of the sign-flip test by recording, see :func:`labcore.evaluation.bootstrap.flipped`.
    """

    clips: int
    recordings: int
    one: float
    other: float
    low: float | None
    high: float | None
    won: int
    lost: int
    p: float | None
    p_recordings: float

    @property
    def value(self) -> float:
        return self.other - self.one

    @property
    def certain(self) -> bool:
        """Whether it is more than chance would give once in twenty: by the interval, by recording, and where McNemar's test can be made, by
        that too. The interval alone is too narrow where few recordings change."""
        if self.low is None or self.high is None:
            return False
        tested = all(p is None or p < LEVEL for p in (self.p, self.p_recordings))
        return (self.low > 0 or self.high < 0) and tested

    def sentence(self, one: str, other: str) -> str:
        """In words, as ``B is better by 2.5 points (-0.6 to 5.6): this may be chance with 80 clips``, without the final stop."""
        clips, recordings = counted(self.clips, "clip"), counted(self.recordings, "recording")
        if not (self.won or self.lost):
            return f"{one} and {other} are right and wrong on the same of the {clips}"
        better, sign = (other, 1) if self.value >= 0 else (one, -1)
        low, high = sorted((sign * 100 * (self.low or 0.0), sign * 100 * (self.high or 0.0)))
        told = f"({_tidy(low)} to {_tidy(high)})" if self.low is not None else "(no interval)"
        if not round(self.value, 9):
            return f"{one} and {other} are equally good on the {clips}, with a difference of 0.0 points {told}"
        amount = f"{better} is better by {100 * abs(self.value):.1f} points {told}"
        if self.low is None:
            return f"{amount}: all {clips} are of one recording, so nobody can tell whether this is chance"
        if not self.certain:
            of = f" of {recordings}" if self.recordings < self.clips else ""
            return f"{amount}: this may be chance with {clips}{of}"
        tested = "" if self.p is None else " (McNemar p " + ("< 0.001)" if self.p < 0.001 else f"= {self.p:.3f})")
        return f"{amount}: this is hardly chance with {clips} of {recordings}{tested}"


def pair(one: Sequence[ClipPredictions], other: Sequence[ClipPredictions]) -> Pairs:
    """Bring together the clips that both sides judged.

    Args:
        one, other: the classifiers of each side, one at least, of one data set. Labels of the other side count for both.
    """
    first, second = _side(one), _side(other)
    known = set.intersection(*(set(each.labels) for each in (*one, *other)))
    both = [(key, before, second[key]) for key, before in first.items() if key in second]
    paired = [(key, before, after) for key, before, after in both if after.label in known]
    labels = [after.label for *_, after in paired]
    frame = pd.DataFrame([key for key, *_ in paired], columns=KEY).assign(
        end_s=[after.end_s for *_, after in paired],
        group=[recording_of(str(after.group)) for *_, after in paired],
        label=labels,
    )
    for name, side in (("one", [before for _, before, _ in paired]), ("other", [after for *_, after in paired])):
        votes = list(zip(side, labels, strict=True))
        frame[f"{name}_right"] = [each.votes.count(label) / len(each.votes) for each, label in votes]
        frame[f"{name}_predicted"] = [each.votes[0] for each in side]
        frame[f"{name}_probability"] = [each.probability for each in side]
    relabelled = sum(before.label != after.label for _, before, after in paired)
    single = all(len(each.votes) == 1 for side in (first, second) for each in side.values())
    return Pairs(frame, len(first), len(second), relabelled, len(both) - len(paired), single)


def difference(pairs: Pairs) -> Difference:
    """Compare the two sides on their clips, of which there is one at least."""
    frame = pairs.frame
    one, other = frame["one_right"].to_numpy(dtype=np.float64), frame["other_right"].to_numpy(dtype=np.float64)
    gain = other - one
    of_recording = pd.Series(gain).groupby(frame["group"].to_numpy()).sum().to_numpy()
    recordings = len(of_recording)
    (resampled,) = intervals(frame["group"].to_numpy(), lambda weights: (gain @ weights / weights.sum(0))[None])
    same = (float(gain.mean()),) * 2 if recordings > 1 else (None, None)  # every recording is changed alike
    low, high = resampled or same
    won, lost = int((gain > 0).sum()), int((gain < 0).sum())
    p = mcnemar(won, lost) if pairs.single else None
    figures = len(frame), recordings, float(one.mean()), float(other.mean())
    return Difference(*figures, low, high, won, lost, p, flipped(of_recording))


def mcnemar(won: int, lost: int) -> float:
    """The two-sided exact probability of McNemar's test: how often a fair coin is as uneven on the clips that one side alone has right."""
    from scipy.special import bdtr  # a tenth of the time that scipy.stats takes to be imported

    return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5)))


def per_class(pairs: Pairs) -> pd.DataFrame:
    """A row a class that occurs, the largest change first: label, clips, one, other (recall), change, won, lost."""
    gain = pairs.frame["other_right"] - pairs.frame["one_right"]
    table = pairs.frame.assign(gain=gain, won=gain > 0, lost=gain < 0).groupby("label", sort=True)
    rows = table.agg(
        clips=("gain", "size"),
        one=("one_right", "mean"),
        other=("other_right", "mean"),
        change=("gain", "mean"),
        won=("won", "sum"),
        lost=("lost", "sum"),
    ).reset_index()
    return rows.sort_values("change", key=lambda change: -change.abs(), kind="stable", ignore_index=True)


def changed_clips(pairs: Pairs, *, won: bool) -> pd.DataFrame:
    """The clips that the other side won, or lost, the largest change first, then the surest."""
    frame = pairs.frame
    gain = (frame["other_right"] - frame["one_right"]) * (1 if won else -1)
    surer = frame["other_probability" if won else "one_probability"]
    ordered = frame.assign(gain=gain, surer=surer)[gain > 0].sort_values(["gain", "surer"], ascending=False)
    return ordered.drop(columns=["gain", "surer"]).reset_index(drop=True)


@dataclass
class _PredictedClip:
    """A clip of a side: what the last classifier knew of it, the class that each predicted, and the probability of the first one's."""

    end_s: float
    group: str
    label: str
    votes: list[str]
    probability: float


def _side(side: Sequence[ClipPredictions]) -> dict[tuple[str, float], _PredictedClip]:
    """All clips by :data:`KEY`, in the order in which they come; in plain Python, which is quicker than tables here."""
    found: dict[tuple[str, float], _PredictedClip] = {}
    for each in side:
        shares, frame = each.probabilities, each.frame
        names = [each.labels[number] for number in shares.argmax(1)]
        columns = (frame[name].tolist() for name in (*KEY, "end_s", "group", "label"))
        for clip, start, end, group, label, name, share in zip(*columns, names, shares.max(1).tolist(), strict=True):
            before = found.get((clip, start))
            votes, first = ([], share) if before is None else (before.votes, before.probability)
            found[clip, start] = _PredictedClip(end, group, label, [*votes, name], first)
    return found


def _tidy(points: float) -> str:
    """Percentage points with one digit; what rounds to nothing has no sign."""
    return f"{math.copysign(abs(round(points, 1)), points) if round(points, 1) else 0.0:.1f}"
