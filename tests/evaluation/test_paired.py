"""Two sides on the clips that both judged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labcore.datasets.by_time import SPAN
from labcore.evaluation.bootstrap import flipped
from labcore.evaluation.paired import changed_clips, difference, mcnemar, pair, per_class
from tests.judged import judged, sure

TRUTH = ["cat"] * 40 + ["dog"] * 40


def side(right: int, groups=None, first: int = 0):
    """A classifier that has clips from number ``first`` on right, so many of them."""
    wrong = {"cat": "dog", "dog": "cat"}
    said = [label if first <= n < first + right else wrong[label] for n, label in enumerate(TRUTH)]
    return judged(TRUTH, sure(said), groups=groups)


@pytest.mark.parametrize(("won", "lost"), [(8, 2), (2, 8), (5, 5), (1, 0), (0, 0), (300, 250)])
def test_mcnemar_is_the_sum_of_the_tails(won: int, lost: int) -> None:
    fewer, all_ = min(won, lost), won + lost
    tail = sum(math.comb(all_, count) for count in range(fewer + 1)) / 2**all_
    assert mcnemar(won, lost) == pytest.approx(min(1.0, 2 * tail))


def test_few_clips_may_be_chance_and_many_are_not() -> None:
    near = difference(pair([side(60)], [side(62)]))
    assert (near.won, near.lost, near.p) == (2, 0, 0.5)
    assert near.value == pytest.approx(0.025)
    assert near.sentence("A", "B") == "B is better by 2.5 points (0.0 to 6.2): this may be chance with 80 clips"
    far = difference(pair([side(70)], [side(40)]))
    assert far.certain
    told = "A is better by 37.5 points (27.5 to 48.8): this is hardly chance with 80 clips of 80 recordings (McNemar p < 0.001)"
    assert far.sentence("A", "B") == told


def test_the_interval_is_that_of_recordings_drawn_anew() -> None:
    """Its ends against a bootstrap of the test's own; clips of few recordings leave more to chance."""
    one, other = side(50), side(60)
    found = difference(pair([one], [other]))
    gain = np.r_[np.zeros(50), np.ones(10), np.zeros(20)]
    draws = np.random.default_rng(1).integers(0, 80, (4000, 80))
    expected = np.percentile(gain[draws].mean(1), [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(expected, abs=0.013)
    of_ten = [str(number // 8) for number in range(80)]
    wide = difference(pair([side(50, of_ten)], [side(60, of_ten)]))
    assert (wide.recordings, wide.value) == (10, found.value)
    assert wide.low is not None
    assert found.low is not None
    assert wide.low < found.low


def test_alike_and_equally_good_are_told_apart() -> None:
    assert "right and wrong on the same of the 80 clips" in difference(pair([side(9)], [side(9)])).sentence("A", "B")
    told = difference(pair([side(40)], [side(40, first=10)])).sentence("A", "B")
    assert told.startswith("A and B are equally good on the 80 clips, with a difference of 0.0 points (-")


def test_one_recording_tells_nothing() -> None:
    found = difference(pair([side(40, ["x"] * 80)], [side(60, ["x"] * 80)]))
    assert not found.certain
    assert "all 80 clips are of one recording" in found.sentence("A", "B")


def test_clips_won_and_lost_and_the_change_of_each_class() -> None:
    pairs = pair(
        [judged(["cat", "dog", "dog"], sure(["cat", "cat", "dog"]))],
        [judged(["cat", "dog", "dog"], sure(["dog", "dog", "dog"]))],
    )
    assert changed_clips(pairs, won=True)["clip"].tolist() == ["1.wav"]
    lost = changed_clips(pairs, won=False)
    assert lost[["clip", "one_predicted", "other_predicted"]].values.tolist() == [["0.wav", "cat", "dog"]]
    rows = per_class(pairs)[["label", "clips", "one", "other", "change"]].values.tolist()
    assert rows == [["cat", 1, 1.0, 0.0, -1.0], ["dog", 2, 0.5, 1.0, 0.5]]


def test_what_cannot_be_compared_is_counted() -> None:
    """A clip of one side alone, one of a class that a side does not know, and one whose label was corrected in between."""
    one = judged(["cat", "cow", "dog", "owl"], sure(["cat", "cat", "dog", "owl"]), names=["a", "b", "c", "d"])
    other = judged(
        ["cat", "cow", "cat"], sure(["cat", "cow", "cat"], labels=("cow", "cat", "dog")), names=["a", "b", "c"],
        labels=("cow", "cat", "dog"),
    )  # fmt: skip
    pairs = pair([one], [other])
    assert pairs.frame["clip"].tolist() == ["a", "c"]
    assert (pairs.of_one, pairs.of_other, pairs.unknown, pairs.relabelled) == (4, 3, 1, 1)
    assert pairs.frame["one_right"].tolist() == [1.0, 0.0]
    assert len(pair([one], [judged(["cat"], sure(["cat"]), names=["z"])])) == 0


def test_several_seeds_of_a_recipe_count_by_their_mean() -> None:
    truth = ["cat", "dog"]
    seeds = [judged(truth, sure(said)) for said in (["cat", "dog"], ["dog", "dog"])]
    pairs = pair(seeds, [judged(truth, sure(["cat", "cat"]))])
    assert pairs.frame["one_right"].tolist() == [0.5, 1.0]
    assert not pairs.single
    found = difference(pairs)
    assert (found.one, found.other, found.p) == (0.75, 0.5, None)


@pytest.mark.parametrize(("won", "lost"), [(8, 2), (5, 5), (1, 0), (0, 0), (6, 0), (5, 0)])
def test_the_test_by_recording_is_mcnemar_s_where_each_is_a_clip(won: int, lost: int) -> None:
    assert flipped(np.r_[np.ones(won), -np.ones(lost), np.zeros(7)]) == pytest.approx(mcnemar(won, lost))


def test_the_test_by_recording_is_that_of_scipy() -> None:
    from scipy.stats import permutation_test

    for recordings in (9, 30):  # all signs, and draws of them
        gains = np.random.default_rng(recordings).integers(-3, 6, recordings)
        expected = permutation_test((gains,), np.sum, permutation_type="samples", n_resamples=20_000, rng=0).pvalue
        assert flipped(gains) == pytest.approx(expected, abs=0.02 if recordings > 11 else 1e-9)


def test_a_gain_in_few_recordings_may_be_chance() -> None:
    """Twenty clips won and none lost, in two recordings: a coin would do that every second time."""
    halves = [str(number % 2) for number in range(80)]
    few = difference(pair([side(50, halves)], [side(70, halves)]))
    assert few.p is not None
    assert few.p < 0.001
    assert (few.low, few.high, few.certain) == (0.25, 0.25, False)
    assert few.sentence("A", "B").endswith("this may be chance with 80 clips of 2 recordings")
    seeds = [side(50), side(50)]
    of_four = difference(pair(seeds, [side(54)]))
    assert (of_four.p, of_four.p_recordings, of_four.certain) == (None, 0.125, False)
    assert difference(pair(seeds, [side(58)])).certain
    parts = [f"a{SPAN}{n}" for n in range(80)]
    assert difference(pair([side(40, parts)], [side(60, parts)])).recordings == 1
