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
    both = first.merge(second, on=KEY, suffixes=("_one", "_other"))
    known = [set.intersection(*(set(each.labels) for each in side)) for side in (one, other)]
    strange = ~both["label_other"].isin(known[0] & known[1])
    relabelled = int((both["label_one"] != both["label_other"])[~strange].sum())
    both = both[~strange].reset_index(drop=True)
    frame = both[KEY].assign(
        end_s=both["end_s_other"], group=both["group_other"].astype(str).map(recording_of), label=both["label_other"]
    )
    for name in ("one", "other"):
        votes = both[f"votes_{name}"]
        frame[f"{name}_right"] = [
            sum(vote == label for vote in cast) / len(cast)
            for cast, label in zip(votes, both["label_other"], strict=True)
        ]
        frame[f"{name}_predicted"] = [cast[0] for cast in votes]
        frame[f"{name}_probability"] = both[f"probability_{name}"]
    single = max(map(_voters, (first, second))) <= 1
    return Pairs(frame, len(first), len(second), relabelled, int(strange.sum()), single)


def difference(pairs: Pairs) -> Difference:
    """Compare the two sides on their clips, of which there is one at least."""
    frame = pairs.frame
    one, other = frame["one_right"].to_numpy(dtype=np.float64), frame["other_right"].to_numpy(dtype=np.float64)
    gain = other - one
    of_recording = pd.Series(gain).groupby(frame["group"].to_numpy()).sum().to_numpy()
    recordings = len(of_recording)
    (resampled,) = intervals(
        frame["group"].to_numpy(), lambda weights: np.array([(weights * gain).sum() / weights.sum()])
    )
    same = (float(gain.mean()),) * 2 if recordings > 1 else (None, None)  # every recording is changed alike
    low, high = resampled or same
    won, lost = int((gain > 0).sum()), int((gain < 0).sum())
    p = mcnemar(won, lost) if pairs.single else None
    figures = len(frame), recordings, float(one.mean()), float(other.mean())
    return Difference(*figures, low, high, won, lost, p, flipped(of_recording))


def mcnemar(won: int, lost: int) -> float:
    """The two-sided exact probability of McNemar's test: how often a fair coin is as uneven on the clips that one side alone has right."""
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


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


def _side(side: Sequence[ClipPredictions]) -> pd.DataFrame:
    """A row a clip: what is known of it, the class that each classifier predicted, and the probability of the first one's."""
    names = [np.array(each.labels, dtype=object)[each.predicted] for each in side]
    rows = pd.concat(
        [
            each.frame[[*KEY, "end_s", "group", "label"]].assign(vote=vote, probability=each.confidence)
            for each, vote in zip(side, names, strict=True)
        ],
        ignore_index=True,
    )
    return (
        rows.groupby(KEY, sort=False)
        .agg(
            end_s=("end_s", "last"),
            group=("group", "last"),
            label=("label", "last"),
            votes=("vote", list),
            probability=("probability", "first"),
        )
        .reset_index()
    )


def _voters(side: pd.DataFrame) -> int:
    return int(side["votes"].map(len).max()) if len(side) else 0


def _tidy(points: float) -> str:
    """Percentage points with one digit; what rounds to nothing has no sign."""
    return f"{math.copysign(abs(round(points, 1)), points) if round(points, 1) else 0.0:.1f}"
