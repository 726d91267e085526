"""Where the time of training goes."""

from __future__ import annotations

import time

import pytest
import torch

from labcore.events import Epoch
from labcore.runs import Run
from labcore.training import step_timer
from labcore.training.loop import train
from labcore.training.step_timer import KINDS, StepTimer


def test_the_parts_of_an_epoch_sum_up_to_its_time(tiny):
    config = tiny.config.replace({"augment.noise": 0.5, "optim.epochs": 2})
    for event in train(config, Run.create(tiny.workspace, config), tiny.workspace):
        if isinstance(event, Epoch):
            assert list(event.spent) == list(KINDS)
            assert min(event.spent.values()) >= 0
            assert all(event.spent[kind] > 0 for kind in ("data", "augmentation", "mel", "network"))
            training = event.epochs and 24 // 8 * 8 / event.clips_per_second
            assert sum(event.spent.values()) == pytest.approx(training, rel=0.01, abs=0.001)


def test_marks_give_the_time_before_them(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = StepTimer(torch.device("cpu"))
    clock.begin_epoch()
    for _ in range(3):
        now[0] += 1
        clock.begin_step()
        for seconds, kind in ((2, "data"), (3, "mel"), (4, "augmentation"), (10, "network")):
            now[0] += seconds
            clock.mark(kind)
        clock.end_step()
    told = clock.by_phase(65)
    assert told == {"data": 6, "augmentation": 12, "mel": 9, "network": 30, "waiting": 8}
    clock.begin_epoch()
    assert sum(clock.by_phase(0).values()) == 0


class Event:
    """A GPU's event: the device stamps it when it gets there, a second later than the call for each one before it."""

    made = 0
    reached = 0

    def __init__(self):
        self.number = Event.made
        Event.made += 1

    def query(self):
        return self.number < Event.reached

    def elapsed_time(self, other):
        assert other.query()
        return 1000.0 * (other.number - self.number)


def test_on_a_gpu_one_step_a_second_is_sampled_and_none_waited_for(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(step_timer, "_stamp", Event)
    clock = StepTimer(torch.device("cuda"))
    clock.begin_epoch()
    for _ in range(40):
        now[0] += 0.05
        clock.begin_step()
        for kind in ("data", "augmentation", "mel", "network"):
            clock.mark(kind)
        clock.end_step()
    assert Event.made == 2 * 5
    assert clock.by_phase(200) == {}
    Event.reached = 5
    assert clock.by_phase(200) == {"data": 40, "augmentation": 40, "mel": 40, "network": 40, "waiting": 40}
    Event.reached = 10
    told = clock.by_phase(80)  # more than there was: the steps overlap with what the processor does meanwhile
    assert told["data"] == pytest.approx(20)
    assert sum(told.values()) == pytest.approx(80)
    clock.begin_epoch()
    assert clock.by_phase(1)["waiting"] == 1


def test_a_step_that_is_replayed_is_read_from_the_events_in_its_graph(monkeypatch):
    Event.made, Event.reached = 0, 0
    monkeypatch.setattr(step_timer, "_stamp", Event)
    monkeypatch.setattr(step_timer, "_stamp_in_graph", lambda kind: [(kind, Event())])
    clock = StepTimer(torch.device("cuda"))
    clock.begin_epoch()
    clock.begin_step()  # kernel by kernel: sampled
    clock.mark("data")
    clock.end_step()
    clock.begin_step()
    clock.mark("data")
    with clock.recording():
        for kind in ("augmentation", "mel", "network"):
            clock.mark(kind)
    recorded = clock.recorded
    for _ in range(10):
        clock.begin_step()
        clock.mark("data")
        for number, (_, event) in enumerate(recorded):  # a replay stamps them anew
            event.number = Event.made + number
        Event.made += len(recorded)
        clock.replayed()
        clock.end_step()
    Event.reached = 8
    assert clock.by_phase(48)["data"] == pytest.approx(12)  # of the step that was sampled: the last replay is not over
    Event.reached = Event.made
    assert clock.by_phase(120) == {"data": 12, "augmentation": 12, "mel": 12, "network": 24, "waiting": 60}
    clock.forget_recording()
    assert not clock.recorded


@pytest.mark.parametrize("fails", ["made", "recorded"])
def test_where_a_graph_can_hold_no_events_it_is_recorded_without_them(monkeypatch, fails):
    """torch before 2.8 knows none, and ROCm refuses them when they are recorded."""

    class Refused:
        def __init__(self, **options):
            if fails == "made":
                raise TypeError("unexpected keyword argument 'external'")

        def record(self):
            raise RuntimeError("External events are disallowed in rocm")

    monkeypatch.setattr(torch.cuda, "Event", Refused)
    clock = StepTimer(torch.device("cuda"))
    with clock.recording():
        clock.mark("network")
    assert clock.recorded == []
