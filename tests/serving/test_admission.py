import contextlib

import pytest

from labcore.errors import ConfigError
from labcore.serving import Busy, ServiceSettings
from labcore.serving.admission import Admission, TooMuch


def test_clips_in_hand_are_bounded():
    admission = Admission(ServiceSettings(max_clips=3, max_files=3))
    with admission.enter("a") as one, admission.enter("b") as other:
        one.begin(clips=2)
        other.begin(clips=1)
        with pytest.raises(Busy, match="3 clips are in hand"):
            admission.enter("c")
        with pytest.raises(Busy):
            one.begin(clips=1)
        with pytest.raises(TooMuch):
            one.begin(clips=2)
    assert (admission.clips, admission.bytes) == (0, 0)


def test_bodies_that_are_still_coming_hold_no_place():
    admission = Admission(ServiceSettings(max_clips=2, max_files=2))
    coming = [admission.enter("a") for _ in range(100)]
    with admission.enter("a") as lease:
        lease.begin(clips=1)
        assert admission.clips == 1
    assert not any(lease.whole for lease in coming)


def test_no_address_has_all_places_or_all_memory():
    admission = Admission(ServiceSettings(max_clips=4, max_files=4, memory_bytes=1000, max_bytes=1000))
    three = [admission.enter("a") for _ in range(3)]
    for lease in three:
        lease.begin(clips=1)
        lease.take(240)
    with pytest.raises(Busy, match="of this address"):
        admission.enter("a").begin(clips=1)
    with pytest.raises(Busy):
        three[0].take(100)
    slow, slower, stranger = admission.enter("b"), admission.enter("b"), admission.enter("c")
    slow.take(150)
    with pytest.raises(Busy, match="memory"):
        slower.take(101)  # a quarter for what has not come wholly
    stranger.begin(clips=1)
    for lease in (*three, slow):
        with lease:
            pass
    stranger.take(1000)  # one alone may have everything
    assert admission.bytes == 1000


def test_memory_in_hand_is_bounded():
    admission = Admission(ServiceSettings(memory_bytes=1000, max_bytes=1000))
    with admission.enter() as lease:
        lease.take(900)
        with pytest.raises(TooMuch):
            lease.take(101)
        lease.take(50)
        with admission.enter("another") as other, pytest.raises(Busy, match="memory"):
            other.take(51)
    assert admission.bytes == 0


def test_who_is_still_at_work_for_a_request_that_ended_gets_no_more():
    admission = Admission(ServiceSettings())
    with admission.enter() as lease:
        pass
    with pytest.raises(Busy):
        lease.take(1)
    assert (admission.clips, admission.bytes) == (0, 0)


def test_settings_that_contradict_each_other_are_refused():
    for odd in ({"max_bytes": 2**31}, {"max_files": 65}):
        with pytest.raises(ConfigError):
            ServiceSettings(**odd)


def test_what_a_failed_request_had_is_given_back():
    admission = Admission(ServiceSettings())
    with contextlib.suppress(ZeroDivisionError), admission.enter() as lease:
        lease.begin(clips=4)
        lease.take(10)
        raise ZeroDivisionError
    assert (admission.clips, admission.bytes) == (0, 0)
