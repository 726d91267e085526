import contextlib

import pytest

from labcore.serving import Busy, ServiceSettings
from labcore.serving.admission import Admission


def test_clips_in_hand_are_bounded():
    admission = Admission(ServiceSettings(max_clips=3))
    with admission.enter() as one, admission.enter():
        one.take(clips=1)
        with pytest.raises(Busy, match="3 clips are in hand"):
            admission.enter()
        with pytest.raises(Busy):
            one.take(clips=1)
    assert (admission.clips, admission.bytes) == (0, 0)
    with admission.enter():
        assert admission.clips == 1


def test_memory_in_hand_is_bounded():
    admission = Admission(ServiceSettings(memory_bytes=1000))
    with admission.enter() as lease:
        lease.take(bytes_=900)
        with pytest.raises(Busy, match="memory"):
            lease.take(bytes_=101)
        lease.take(bytes_=100)
    assert admission.bytes == 0


def test_what_a_failed_request_had_is_given_back():
    admission = Admission(ServiceSettings())
    with contextlib.suppress(ZeroDivisionError), admission.enter() as lease:
        lease.take(clips=4, bytes_=10)
        raise ZeroDivisionError
    assert (admission.clips, admission.bytes) == (0, 0)
