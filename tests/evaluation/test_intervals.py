"""Intervals of shares: clips that share sound are no trials of their own."""

from __future__ import annotations

import pytest

from labcore.evaluation.intervals import distinct_clips, wilson_interval


def test_windows_that_overlap_count_their_sound_once():
    files, starts, ends = ["a", "a", "b", "b"], [0.0, 0.5, 0.0, 1.0], [1.0, 1.5, 1.0, 2.0]
    assert distinct_clips(files, starts, ends) == pytest.approx(4 * 3.5 / 4)
    assert distinct_clips(files[2:], starts[2:], ends[2:]) is None  # one follows the other
    assert distinct_clips(["a", "b"], [0.0, 0.5], [1.0, 1.5]) is None  # of two files
    assert distinct_clips(["a"] * 3, [0.0] * 3, [1.0] * 3) == pytest.approx(1)  # the same sound three times
    chain = 100  # windows of 1 s at a hop of 0.5 s
    found = distinct_clips(["a"] * chain, [n / 2 for n in range(chain)], [n / 2 + 1 for n in range(chain)])
    assert found == pytest.approx(chain * 50.5 / 100)


def test_the_interval_goes_by_distinct_clips():
    assert wilson_interval(70, 200) == pytest.approx((0.2873, 0.4184), abs=1e-3)
    assert wilson_interval(70, 200, 100.0) == wilson_interval(35, 100)
    assert wilson_interval(70, 200, 300.0) == wilson_interval(70, 200)
    assert wilson_interval(0, 0, 0.0) == (0.0, 1.0)
