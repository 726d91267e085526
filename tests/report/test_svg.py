"""Ticks of the charts in reports."""

from __future__ import annotations

import pytest

from labcore.report.svg import Axis


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 9.5, [0, 2, 4, 6, 8]),
        (0, 0.037, [0, 0.01, 0.02, 0.03]),
        (3, 3, [3, 3.2, 3.4, 3.6, 3.8, 4]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert Axis(low, high, 0, 100).ticks(5) == pytest.approx(ticks)


def test_epochs_are_whole():
    assert Axis(1, 3, 0, 100).ticks(8, whole=True) == [1, 2, 3]
    assert Axis(1, 3, 0, 100).at(2) == 50
