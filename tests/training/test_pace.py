from __future__ import annotations

import pytest

from labcore.training import pace as module
from labcore.training.pace import EpochPace


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def pass_(self, seconds: float) -> None:
            self.now += seconds

    made = Clock()
    monkeypatch.setattr(module.time, "perf_counter", lambda: made.now)
    return made


def epoch(pace, clock, steps, behind=0.0):
    pace.begin()
    for seconds in steps:
        clock.pass_(seconds)
        pace.stepped()
    clock.pass_(behind)
    return pace.end()


def test_a_first_step_that_compiles_is_not_held_against_the_rest(clock):
    pace = EpochPace()
    pace.begin()
    clock.pass_(30.0)
    pace.stepped()
    assert not pace.known
    clock.pass_(0.5)
    pace.stepped()
    assert pace.known
    assert pace.left(epochs=9, steps=10) == pytest.approx(8 * 0.5 + 9 * 5)
    for _ in range(8):
        clock.pass_(0.5)
        pace.stepped()
    assert pace.end() == pytest.approx(34.5)
    assert pace.after(9) == pytest.approx(45)


def test_later_epochs_tell_of_themselves(clock):
    pace = EpochPace()
    epoch(pace, clock, [3.0, 1.0, 1.0, 1.0])
    epoch(pace, clock, [2.0] * 4, behind=2.0)
    assert pace.after(3) == pytest.approx(3 * (4 + 10) / 2)
    pace.begin()
    clock.pass_(2.0)
    pace.stepped()
    assert pace.known
    assert pace.left(epochs=1, steps=4) == pytest.approx(5 + 7)
    clock.pass_(90.0)
    assert pace.left(epochs=0, steps=4) == 0.0


def test_an_epoch_of_a_single_step_is_taken_as_it_is(clock):
    pace = EpochPace()
    assert epoch(pace, clock, [4.0]) == 4.0
    assert pace.after(2) == 8.0


def test_an_evaluation_now_and_then_is_spread_over_the_epochs(clock):
    pace = EpochPace(every=5)
    for number in range(1, 12):
        pace.begin()
        clock.pass_(1.0)
        pace.stepped()
        if evaluated := number % 5 == 0 or number == 1:
            clock.pass_(10.0)
        assert pace.end(10.0 if evaluated else None) == (11.0 if evaluated else 1.0)
        assert pace.after(5) == pytest.approx(5 * 1.0 + 10.0)
