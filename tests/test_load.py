from __future__ import annotations

import time

import pytest

from labcore.load import CpuTimes, Load, LoadMeter, load_between


@pytest.mark.parametrize(
    ("after", "cores", "all_cores", "taken", "idle"),
    [
        (CpuTimes(10, 20, 20, 0), 2, 2, 0.0, True),  # all of it our own work
        (CpuTimes(10, 12, 10, 0), 2, 2, 0.2, True),  # others took a core for 2 of 10 s: 10 % of two cores
        (CpuTimes(10, 18, 10, 0), 2, 2, 0.8, False),
        (CpuTimes(10, 18, 10, 0), 2, 8, 0.0, True),  # six more cores stand idle
        (CpuTimes(10, 80, 10, 0), 2, 8, 1.0, False),  # 7 of 8 are busy with others
        (CpuTimes(10, 20, 20, 3), 2, 2, 0.3, False),  # taken by the host
    ],
)
def test_what_others_take_of_our_cores(after, cores, all_cores, taken, idle):
    load = load_between(CpuTimes(0, 0, 0, 0), after, cores, all_cores)
    assert load.taken == pytest.approx(taken)
    assert load.idle is idle


def test_too_short_a_look_tells_nothing_and_nobody_takes_more_than_there_is():
    assert load_between(CpuTimes(0, 0, 0, 0), CpuTimes(0.05, 1, 0, 0), 2, 2) is None
    assert Load(2, 2.0, 0.5).taken == 2.0


def test_own_work_is_no_disturbance_on_this_machine():
    """Times of the whole machine and of this process are of the same kind and unit."""
    before = CpuTimes.now()
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = CpuTimes.now()
    assert 0.05 < after.own - before.own <= after.busy - before.busy + 0.05


def test_a_meter_starts_anew_where_it_was_read(monkeypatch):
    looks = iter([CpuTimes(0, 0, 0, 0), CpuTimes(1, 2, 1, 0), CpuTimes(1, 2, 1, 0), CpuTimes(2, 3, 2, 0)])
    monkeypatch.setattr(CpuTimes, "now", classmethod(lambda cls: next(looks)))
    meter = LoadMeter()
    meter.cores = meter.all_cores = 2
    assert meter.taken().taken == 1.0
    assert meter.load().taken == 0.0
