import contextlib

import pytest

from labcore.errors import ConfigError
from labcore.serving.admission import Admission, RequestTooLarge
from labcore.serving.batcher import Overloaded
from labcore.serving.settings import ServiceSettings


def test_clips_in_hand_are_bounded():
    admission = Admission(ServiceSettings(max_clips=3, max_files=3))
    with admission.enter("a") as one, admission.enter("b") as other:
        one.begin(clips=2)
        other.begin(clips=1)
        with pytest.raises(Overloaded, match="3 clips are being processed"):
            admission.enter("c")
        with pytest.raises(Overloaded):
            one.begin(clips=1)
        with pytest.raises(RequestTooLarge):
            one.begin(clips=2)
    assert (admission.clips, admission.bytes) == (0, 0)


def test_a_request_knows_whether_it_met_another():
    admission = Admission(ServiceSettings())
    first, beside, last = (admission.enter() for _ in range(3))
    first.begin(clips=2)
    assert first.alone
    with beside:
        beside.begin(clips=1)
        assert not first.alone
        assert not beside.alone
    with first:
        assert not first.alone  # it met one, though that has gone
    last.begin(clips=1)
    assert last.alone


def test_bodies_that_are_still_coming_hold_no_place():
    admission = Admission(ServiceSettings(max_clips=2, max_files=2))
    coming = [admission.enter("a") for _ in range(100)]
    with admission.enter("a") as reservation:
        reservation.begin(clips=1)
        assert admission.clips == 1
    assert not any(reservation.whole for reservation in coming)


def test_no_address_has_all_places_or_all_memory():
    admission = Admission(ServiceSettings(max_clips=4, max_files=4, memory_bytes=1000, max_bytes=1000))
    three = [admission.enter("a") for _ in range(3)]
    for reservation in three:
        reservation.begin(clips=1)
        reservation.take(240)
    with pytest.raises(Overloaded, match="of this address"):
        admission.enter("a").begin(clips=1)
    with pytest.raises(Overloaded):
        three[0].take(100)
    slow, slower, stranger = admission.enter("b"), admission.enter("b"), admission.enter("c")
    slow.take(150)
    with pytest.raises(Overloaded, match="memory"):
        slower.take(101)  # a quarter for what has not come wholly
    stranger.begin(clips=1)
    for reservation in (*three, slow):
        with reservation:
            pass
    stranger.take(1000)  # one alone may have everything
    assert admission.bytes == 1000


def test_memory_in_hand_is_bounded():
    admission = Admission(ServiceSettings(memory_bytes=1000, max_bytes=1000))
    with admission.enter() as reservation:
        reservation.take(900)
        with pytest.raises(RequestTooLarge):
            reservation.take(101)
        reservation.take(50)
        with admission.enter("another") as other, pytest.raises(Overloaded, match="memory"):
            other.take(51)
    assert admission.bytes == 0


def test_who_is_still_at_work_for_a_request_that_ended_gets_no_more():
    admission = Admission(ServiceSettings())
    with admission.enter() as reservation:
        pass
    with pytest.raises(Overloaded):
        reservation.take(1)
    assert (admission.clips, admission.bytes) == (0, 0)


def test_settings_that_contradict_each_other_are_refused():
    for odd in ({"max_bytes": 2**31}, {"max_files": 65}):
        with pytest.raises(ConfigError):
            ServiceSettings(**odd)


def test_what_a_failed_request_had_is_given_back():
    admission = Admission(ServiceSettings())
    with contextlib.suppress(ZeroDivisionError), admission.enter() as reservation:
        reservation.begin(clips=4)
        reservation.take(10)
        raise ZeroDivisionError
    assert (admission.clips, admission.bytes) == (0, 0)
