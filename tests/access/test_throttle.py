"""Passwords can only be tried slowly, by one and by all."""

from __future__ import annotations

import pytest

from labcore.access import PasswordThrottle
from labcore.access.throttle import ALL_TRIES, FREE, LONGEST_WAIT_SECONDS, MOST_ADDRESSES


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(pace: PasswordThrottle, address: str, times: int) -> int:
    return [pace.failed(address) for _ in range(times)][-1]


def test_waits_grow_and_end(clock):
    pace = PasswordThrottle(clock)
    assert fail(pace, "1.2.3.4", FREE) == 0
    assert pace.wait("1.2.3.4") == 0
    assert [pace.failed("1.2.3.4") for _ in range(4)] == [2, 4, 8, 16]
    assert pace.wait("1.2.3.4") == 16
    assert pace.wait("4.3.2.1") == 0
    clock.now += 16
    assert pace.wait("1.2.3.4") == 0
    assert fail(pace, "1.2.3.4", 40) == LONGEST_WAIT_SECONDS


def test_the_right_password_and_an_hour_forget(clock):
    pace = PasswordThrottle(clock)
    fail(pace, "a", FREE + 3)
    pace.passed("a")
    assert pace.wait("a") == 0
    fail(pace, "b", FREE + 3)
    clock.now += 3601
    assert pace.failed("b") == 0


def test_all_together_have_a_pace(clock):
    pace = PasswordThrottle(clock)
    assert [pace.wait(f"10.0.0.{number}") for number in range(ALL_TRIES)] == [0] * ALL_TRIES
    assert pace.wait("10.1.0.0") == 1
    clock.now += 1
    assert pace.wait("10.1.0.0") == 0


def test_a_network_of_ipv6_is_one_address_and_memory_is_bounded(clock):
    pace = PasswordThrottle(clock)
    fail(pace, "2001:db8::1", FREE + 2)
    assert pace.wait("2001:db8::ffff") > 0
    assert pace.wait("2001:db8:0:1::1") == 0
    fail(pace, "::ffff:1.2.3.4", FREE + 2)
    assert pace.wait("1.2.3.4") > 0
    for number in range(MOST_ADDRESSES + 50):
        pace.failed(f"host{number}")
    assert len(pace._records) == MOST_ADDRESSES
