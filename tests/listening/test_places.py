"""A new connection finds a place while others are silent, and no address has more than a quarter."""

from __future__ import annotations

from labcore.listening import Places
from labcore.listening.places import SPARE


def enter(places: Places, address: str, times: int, closed: list | None = None) -> list:
    closed = [] if closed is None else closed
    return [places.enter(address, lambda number=number: closed.append(number)) for number in range(times)]


def test_the_longest_silent_one_is_closed_for_a_new_one():
    places, closed = Places(8), []
    held = enter(places, "a", 2, closed)
    assert places.ask(held[0], "a")
    places.rest(held[0])
    assert places.enter("a", lambda: None).spare is False
    assert closed == [1]  # it never asked anything
    assert not places.ask(held[1], "a")
    assert (len(places), places.of("a")) == (2, 2)


def test_one_at_work_is_closed_for_nobody():
    places, closed = Places(8), []
    for place in enter(places, "a", 2, closed):
        assert places.ask(place, "a")
    assert places.enter("a", lambda: None).spare
    assert closed == []
    assert places.enter("b", lambda: None).spare is False


def test_spare_ones_are_bounded_and_make_room_for_each_other():
    places, closed = Places(4), []
    for number in range(4):
        assert places.ask(*(enter(places, f"10.0.0.{number}", 1)[0], f"10.0.0.{number}"))
    spare = enter(places, "a", 3 * SPARE, closed)
    assert all(place.spare for place in spare)
    assert len(closed) == 2 * SPARE
    assert len(places) == 4 + SPARE
    for place in spare[-SPARE:]:
        places.ask(place, "a")
    assert places.enter("b", lambda: None) is None
    for place in spare:
        places.leave(place)
    assert (len(places), places.spare) == (4, 0)


def test_a_place_goes_with_who_asks_behind_a_proxy():
    places = Places(8)
    first, second, third = (places.enter("proxy", lambda: None) for _ in range(3))
    assert third is not None
    for place in (second, third):
        assert places.ask(place, "2001:db8::1")
    assert (places.of("proxy"), places.of("2001:db8::ffff")) == (0, 2)  # the first was closed for the third
    assert not places.ask(first, "2001:db8::1")
    fourth = places.enter("proxy", lambda: None)
    assert not places.ask(fourth, "2001:db8::2")
    places.leave(fourth)
    places.leave(fourth)
    places.rest(second)
    assert places.ask(places.enter("proxy", lambda: None), "2001:db8::3")
    assert places.of("proxy") == 0
