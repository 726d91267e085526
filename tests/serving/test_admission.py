import contextlib

import pytest

from labcore.errors import ConfigError
from labcore.serving import Busy, ServiceSettings
from labcore.serving.admission import Admission, TooMuch


def test_clips_in_hand_are_bounded():
    admission = Admission(ServiceSettings(max_clips=3, max_files=3))
    with admission.enter() as one, admission.enter():
        one.take(clips=1)
        with pytest.raises(Busy, match="3 clips are in hand"):
            admission.enter()
        with pytest.raises(Busy):
            one.take(clips=1)
        with pytest.raises(TooMuch):
            one.take(clips=2)
    assert (admission.clips, admission.bytes) == (0, 0)
    with admission.enter():
        assert admission.clips == 1


def test_memory_in_hand_is_bounded():
    admission = Admission(ServiceSettings(memory_bytes=1000, max_bytes=1000))
    with admission.enter() as lease:
        lease.take(bytes_=900)
        with pytest.raises(TooMuch):
            lease.take(bytes_=101)
        lease.take(bytes_=50)
        with admission.enter() as other, pytest.raises(Busy, match="memory"):
            other.take(bytes_=51)
    assert admission.bytes == 0


def test_who_is_still_at_work_for_a_request_that_ended_gets_no_more():
    admission = Admission(ServiceSettings())
    with admission.enter() as lease:
        pass
    with pytest.raises(Busy):
        lease.take(bytes_=1)
    assert (admission.clips, admission.bytes) == (0, 0)


def test_settings_that_contradict_each_other_are_refused():
    for odd in ({"max_bytes": 2**31}, {"max_files": 65}):
        with pytest.raises(ConfigError):
            ServiceSettings(**odd)


def test_what_a_failed_request_had_is_given_back():
    admission = Admission(ServiceSettings())
    with contextlib.suppress(ZeroDivisionError), admission.enter() as lease:
        lease.take(clips=4, bytes_=10)
        raise ZeroDivisionError
    assert (admission.clips, admission.bytes) == (0, 0)
