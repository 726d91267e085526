import time

import pytest

from labcore.benchmark import energy, watch
from labcore.benchmark.timing import CaseTimes, interleave, warm_up
from labcore.benchmark.watch import gpu_trouble, others_at_work, scatter
from labcore.load import Load
from labcore.nvml import GpuSample


class Work:
    """Tells its name to a diary whenever it is timed, and takes as long as it was told, without taking it."""

    def __init__(self, name, diary, seconds=0.01, fails_at=None):
        self.name, self.diary, self.taken, self.fails_at, self.blocks = name, diary, seconds, fails_at, 0

    def seconds(self, calls):
        self.blocks += 1
        if self.fails_at is not None and self.blocks >= self.fails_at:
            raise RuntimeError("CUDA out of memory")
        self.diary.append(self.name)
        return self.taken


def test_works_take_turns():
    diary = []
    works = [(Work(name, diary), CaseTimes()) for name in "ABC"]
    interleave(works, 0.03, 3, 10)
    assert "".join(diary) == "ABCABCABC"
    assert [len(times.taken) for _, times in works] == [3, 3, 3]


def test_short_works_go_on_until_their_time_or_their_most_repeats():
    quick, slow = CaseTimes(), CaseTimes()
    interleave([(Work("q", [], 0.001), quick), (Work("s", [], 1.0), slow)], 0.02, 3, 12)
    assert len(quick.taken) == 12
    assert len(slow.taken) == 3


def test_one_that_fails_leaves_the_others_alone():
    diary = []
    good, bad = CaseTimes(), CaseTimes()
    interleave([(Work("g", diary), good), (Work("b", diary, fails_at=2), bad)], 0.05, 5, 5)
    assert "out of memory" in str(bad.error)
    assert len(good.taken) == 5
    assert good.error is None


def test_a_stop_and_a_deadline_end_it():
    times = CaseTimes()
    asked = iter([False, False, True])
    interleave([(Work("a", []), times)], 1.0, 5, 50, lambda: next(asked))
    assert len(times.taken) == 2
    late = CaseTimes()
    interleave([(Work("a", []), late)], 1.0, 5, 50, deadline=time.perf_counter() - 1)
    assert len(late.taken) == 1  # a figure, though a poor one


def test_the_warm_up_finds_how_many_calls_make_a_block():
    assert warm_up(Work("a", [], 0.001), 0.0).calls == 4
    assert warm_up(Work("a", [], 0.5), 1.0).calls == 1
    assert warm_up(Work("a", [], 0.001), 0.001).warm_up == 2
    assert warm_up(Work("a", [], 0.001), 0.1).warm_up == 15  # 15 % of the time
    assert warm_up(Work("a", [], 5.0), 0.2).warm_up == 1


def test_quartiles_are_in_milliseconds():
    assert CaseTimes(taken=[0.001, 0.002, 0.003, 0.004, 0.005]).quartiles_ms() == pytest.approx((2, 3, 4))


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (None, ""),
        (Load(2, 0.2), ""),
        (Load(2, 0.8), "other programs used 40 % of the processor"),
        (Load(2, 0.0, 0.15), "the host used 15 % of the processor for other machines"),
    ],
)
def test_others_at_work_are_told(load, told):
    assert others_at_work(load) == told


def test_scattered_times_are_told():
    assert scatter(9, 10, 11) == ""
    assert "quartiles 5–20 ms" in scatter(5, 10, 20)


def sample(**changes):
    facts = {
        "index": 0, "name": "GPU", "pci_bus_id": "", "utilisation": 0.0, "memory_used": 0, "memory_total": 1, "temperature_c": 50.0,
        "power_w": None, "power_limit_w": None, "sm_clock_mhz": 1000, "max_sm_clock_mhz": 2000, "throttle_reasons": (),
        "processes": (), "energy_j": None,
    }  # fmt: skip
    return GpuSample(**{**facts, **changes})


def test_a_gpu_that_was_slowed_down_or_busy_before_is_told(monkeypatch):
    assert gpu_trouble(None) == gpu_trouble(sample()) == ""
    assert gpu_trouble(sample(throttle_reasons=("power limit reached",))) == (
        "the GPU was slowed down (power limit reached)"
    )
    monkeypatch.setattr(watch, "sample_of", lambda device: sample(utilisation=0.9))
    assert "already busy (90 %)" in watch.Watch(["cpu", "cuda:0"]).busy_gpus["cuda:0"]


class Card:
    """A card whose counter moves by 5 J every tenth call of 2 clips."""

    def __init__(self):
        self.calls = 0

    def work(self, calls):
        self.calls += 10
        return 0.001

    def look(self, device):
        return sample(energy_j=float(self.calls // 100 * 5))


def test_energy_is_counted_from_step_to_step(monkeypatch):
    card = Card()
    monkeypatch.setattr(energy, "sample_of", card.look)
    joules = energy.energy_per_clip("cuda:0", 2, card.work, 0.001, 0.0001)
    assert joules == pytest.approx(5 / (100 * 2))


@pytest.mark.parametrize(
    "seen", [None, sample(), sample(energy_j=7.0)], ids=["no card", "no counter", "it never moves"]
)
def test_no_counter_no_energy(monkeypatch, seen):
    monkeypatch.setattr(energy, "sample_of", lambda device: seen)
    assert energy.energy_per_clip("cuda:0", 2, Card().work, 0.001, 0.001) is None
