"""Intervals by drawing recordings anew."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.evaluation.bootstrap import ends, intervals

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
        return np.array([drawn @ right / drawn.sum()])

    assert intervals(np.array(list("aaaaaa")), share) == [None]
    (found,) = intervals(np.arange(6) % 2, share)
    assert found == pytest.approx((1 / 3, 1))  # two recordings: from the one to the other
