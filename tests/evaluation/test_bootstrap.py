"""Intervals by drawing recordings anew."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.evaluation import bootstrap
from labcore.evaluation.bootstrap import ends, flipped, intervals, resampled

EVENLY = np.arange(10_001)[:, None] / 10_000


@pytest.mark.parametrize(("recordings", "low"), [(6, 0.00243), (12, 0.01076), (1000, 0.0248)])
def test_the_fewer_recordings_the_further_out_are_the_ends(recordings: int, low: float) -> None:
    """By hand: 12 recordings have 11 degrees of freedom, 2.201 spreads times the root of 12/11; beyond 2.299 lie 1.08 % of a normal one."""
    assert ends(EVENLY, recordings) == [pytest.approx((low, 1 - low), abs=2e-5)]


def test_a_figure_that_no_draw_changes_and_one_recording_have_none() -> None:
    assert ends(np.c_[EVENLY, np.ones_like(EVENLY)], 6)[1] is None
    assert ends(EVENLY, 1) == [None]
    right = np.array([1.0, 0, 1, 1, 1, 0])

    def share(drawn: np.ndarray) -> np.ndarray:
        return (right @ drawn / drawn.sum(0))[None]

    assert intervals(np.array(list("aaaaaa")), share) == [None]
    (found,) = intervals(np.arange(6) % 2, share)
    assert found == pytest.approx((1 / 3, 1))  # two recordings: from the one to the other


def test_several_draws_at_once_are_those_that_were_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that intervals stay what they were; the last part is a shorter one."""
    monkeypatch.setattr(bootstrap, "ROUNDS", 25)
    monkeypatch.setattr(bootstrap, "FEWEST_ROUNDS", 25)
    groups, random = np.array([3, 3, 1, 0, 1, 2, 4]), np.random.default_rng(5)
    singly = np.array([np.bincount(random.integers(0, 5, 5), minlength=5)[groups] for _ in range(25)]).T
    for together in (1, 50, 10_000):  # draws of a part: 1, 7, all
        monkeypatch.setattr(bootstrap, "TOGETHER", together)
        parts = list(resampled(groups, seed=5))
        assert (np.concatenate(parts, axis=1) == singly).all()
        assert len(parts) == {1: 25, 50: 4}.get(together, 1)
    gains, coins = np.arange(1.0, 10.0), np.random.default_rng(0)
    signs = np.array([2 * coins.integers(0, 2, 9) - 1 for _ in range(25)])
    monkeypatch.setattr(bootstrap, "TOGETHER", 40)
    assert flipped(gains) == (1 + (np.abs(signs @ gains) >= 45).sum()) / 26
