"""A few steps of the default network, timed once a machine."""

from __future__ import annotations

import pytest

from labcore.config import RunConfig
from labcore.config.budget import EpochPlan
from labcore.device import DeviceChoice, cpu_name
from labcore.load import Load, LoadMeter
from labcore.runs.times import estimate
from labcore.training import machine_speed, precision_choice, step_timing
from labcore.training.run_time import known_speeds
from labcore.workspace import Workspace


@pytest.fixture
def load(monkeypatch) -> list[Load | None]:
    """What the meter says of other work, one look after the other, the last one for good; here none. Pauses and timing are short."""
    told: list[Load | None] = [Load(2)]
    monkeypatch.setattr(LoadMeter, "load", lambda _: told.pop(0) if len(told) > 1 else told[0])
    monkeypatch.setattr(machine_speed, "SECONDS", 0.0)
    monkeypatch.setattr(machine_speed, "PAUSE", 0.0)
    return told


def test_steps_are_timed_and_remembered(tmp_path, load, monkeypatch):
    workspace, asked = Workspace(tmp_path), []
    assert machine_speed.recall(workspace) is None
    assert list(tmp_path.iterdir()) == []  # looking makes no folder
    speed = machine_speed.measure(workspace, lambda done, total: asked.append(done))
    assert asked == [0, *range(step_timing.MOST_ROUNDS)]
    assert speed is not None
    assert 1e-5 < speed.seconds_per_clip < 5.0
    assert (speed.device, speed.network, speed.trained) == (cpu_name(), RunConfig().model.name, False)
    assert known_speeds(workspace) == [speed]
    told = estimate(RunConfig(), EpochPlan(10, 320, 320), [speed], cpu_name())
    assert told is not None
    assert told.source == "steps"
    monkeypatch.setattr(machine_speed, "cpu_name", lambda: "another processor, 2 cores")
    assert machine_speed.recall(workspace) is None


def test_the_time_of_a_clip_is_the_median_step_over_its_batch(tmp_path, load, monkeypatch):
    seconds = iter([9.0, 0.8, 0.4, 4.0, 0.8, 0.4])  # the first is warm-up
    monkeypatch.setattr(step_timing._Stepper, "seconds", lambda _: next(seconds))
    speed = machine_speed.measure(Workspace(tmp_path))
    assert speed is not None
    assert speed.seconds_per_clip == pytest.approx(0.8 / machine_speed.BATCH)


@pytest.mark.parametrize("found", [Load(2, others=1.0), Load(2, stolen=0.5), None])
def test_on_a_processor_that_is_never_idle_nothing_is_timed(tmp_path, load, monkeypatch, found):
    monkeypatch.setattr(step_timing, "_Stepper", None)
    load[0] = found
    looks: list[int] = []
    assert machine_speed.measure(Workspace(tmp_path), lambda done, total: looks.append(done)) is None
    assert looks == list(range(machine_speed.PAUSES))
    assert machine_speed.recall(Workspace(tmp_path)) is None


def test_it_waits_for_an_idle_moment_and_what_was_timed_beside_other_work_does_not_count(tmp_path, load, monkeypatch):
    busy, idle = Load(2, others=1.0), Load(2)
    load[:] = [busy, idle, busy, busy, idle, idle]  # the third is of the first timing
    seconds = iter([*[0.8] * 6, *[0.4] * 6])
    monkeypatch.setattr(step_timing._Stepper, "seconds", lambda _: next(seconds))
    speed = machine_speed.measure(Workspace(tmp_path))
    assert speed is not None
    assert speed.seconds_per_clip == pytest.approx(0.4 / machine_speed.BATCH)
    assert machine_speed.recall(Workspace(tmp_path)) == speed


def test_a_step_that_does_not_fit_in_the_memory_tells_nothing(tmp_path, load, monkeypatch):
    def full(_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(step_timing._Stepper, "seconds", full)
    assert machine_speed.measure(Workspace(tmp_path)) is None


@pytest.mark.parametrize(
    ("bf16", "kernels", "way"),
    [
        (True, True, ("bf16", "channels_last")),
        (False, True, ("fp32", "contiguous")),
        (False, False, ("fp32", "contiguous")),
    ],
)
def test_the_usual_way_of_a_processor(monkeypatch, bf16, kernels, way):
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(precision_choice, "_has_kernels_for_bf16", lambda: kernels)
    found = precision_choice.usual_way(DeviceChoice("cpu", "A CPU", ""))
    assert (found.precision, found.memory_format) == way
