"""About how long a run will take: by earlier runs of this machine, else by what presets say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from labcore.config import RunConfig
from labcore.config.budget import (
    FIXED_SECONDS,
    SHARES,
    USUAL_SPEED,
    WATCH_COSTS,
    WIDTH_COSTS,
    EpochPlan,
    plan_for,
    speed_up,
    usual_seconds,
    work_of,
)  # fmt: skip
from labcore.config.presets import PRESETS, preset
from labcore.device import arithmetic_of
from labcore.events import Epoch, Estimate, TrainingStarted
from labcore.runs import Run, list_runs, times
from labcore.runs.times import TrainingSpeed, estimate, speed_of, speed_of_estimate
from labcore.workspace import Workspace
from tests.made_events import made_epoch

CPU, GPU = "Some CPU, 2 cores", "NVIDIA GTX"


def speeds(workspace: Workspace) -> list[TrainingSpeed]:
    return [speed for run in list_runs(workspace) if (speed := speed_of(run)) is not None]


def trained(
    workspace: Workspace,
    seconds: Sequence[float] = (4.0,),
    device: str = CPU,
    others: Sequence[float] = (),
    **changes: object,
) -> Run:
    """A run whose first epoch took 99 s and the others so many, 3.2 s of these its 96 training clips."""
    changed = {
        f"{part}.{name}": value for (part, _, name), value in ((key.partition("_"), changes[key]) for key in changes)
    }
    run = Run.create(workspace, RunConfig().replace({"audio.clip_seconds": 5.0, "optim.epochs": 3, **changed}))
    run.append(
        TrainingStarted(
            labels=["a"], train_clips=100, val_clips=20, fold="1", device="cpu", device_reason="", precision="fp32",
            memory_format="contiguous", precision_reason="", parameters=1, epochs=3, first_epoch=1,
        )
    )  # fmt: skip
    for epoch, taken in enumerate((99.0, *seconds), 1):
        run.append(made_epoch(
            epoch, epochs=3, clips_per_second=30.0, seconds=taken,
            others=([0.0, *others][epoch - 1]) if others else None,
        ))  # fmt: skip
    run.save("environment", {"device_name": device})
    return run


@pytest.fixture(autouse=True)
def two_cores_with_bf16(monkeypatch):
    monkeypatch.setattr(times, "usable_cores", lambda: 2)
    monkeypatch.setattr(times, "arithmetic", lambda: "bf16")


@pytest.mark.parametrize("name", PRESETS)
def test_without_runs_it_says_what_the_presets_say(name):
    config = preset(name)
    told = estimate(config, plan_for(config, 320), [], watched=80)
    assert told.seconds == pytest.approx(usual_seconds(config))
    assert not told.measured


def test_the_usual_speed_and_the_evaluation_are_counted():
    told = estimate(RunConfig(), EpochPlan(160, 320, 320), [], watched=80)
    assert told.seconds == pytest.approx(FIXED_SECONDS + 160 * (320 + WATCH_COSTS * 80) / USUAL_SPEED)


def test_a_processor_without_bf16_or_with_more_cores_is_told_otherwise(monkeypatch):
    def told():
        return estimate(RunConfig(), EpochPlan(10, 320, 320), []).seconds - FIXED_SECONDS

    usual = told()
    monkeypatch.setattr(times, "usable_cores", lambda: 8)
    assert usual / told() == pytest.approx(speed_up(8) / speed_up(2))
    monkeypatch.setattr(times, "arithmetic", lambda: "other")
    assert usual / told() == pytest.approx(speed_up(8) / speed_up(2) * SHARES["other"])


def test_the_last_epoch_of_an_earlier_run_tells_and_not_its_first(tmp_path):
    workspace = Workspace(tmp_path)
    assert speed_of(Run.create(workspace, RunConfig())) is None
    trained(workspace)
    told = estimate(RunConfig(), EpochPlan(10, 192, 192), speeds(workspace), CPU, watched=40)
    assert told.measured
    assert not told.busy
    # 96 clips in 3.2 s, and the 20 that are held out in 0.8 s
    assert told.seconds == pytest.approx(FIXED_SECONDS + 10 * (192 * 3.2 / 96 + 40 * 0.8 / 20))


def test_an_evaluation_is_told_by_its_windows(tmp_path):
    workspace = Workspace(tmp_path)
    run = trained(workspace)
    events = [
        event.model_copy(update={"watched_windows": 80}) if isinstance(event, TrainingStarted) else event
        for event in run.events()
    ]
    (run.path / "events.jsonl").unlink()
    for event in events:
        run.append(event)
    told = estimate(RunConfig(), EpochPlan(10, 192, 192), speeds(workspace), CPU, watched=40)
    assert told.seconds == pytest.approx(FIXED_SECONDS + 10 * (192 * 3.2 / 96 + 40 * 0.8 / 80))


def test_of_epochs_beside_other_work_the_fastest_tells_and_a_run_alone_comes_first(tmp_path):
    workspace = Workspace(tmp_path)
    trained(workspace, seconds=[9.0, 6.0, 12.0], others=[1.5, 1.0, 1.9])
    assert (speeds(workspace)[0].busy, speeds(workspace)[0].watched_seconds) == (True, pytest.approx((6.0 - 3.2) / 20))
    trained(workspace, seconds=[4.0, 4.2, 3.0, 40.0], others=[0.0, 0.1, 0.0, 1.9])
    last = trained(workspace, seconds=[90.0], others=[1.9])
    told = estimate(RunConfig(), EpochPlan(1, 96, 96), speeds(workspace), CPU)
    assert not told.busy
    assert estimate(RunConfig(), EpochPlan(1, 96, 96), [speed_of(last)], CPU).busy


def test_the_one_epoch_of_a_short_run_tells_nothing(tmp_path):
    workspace = Workspace(tmp_path)
    assert speed_of(trained(workspace, seconds=[])) is None  # 100 clips in batches of 32
    assert speed_of(trained(workspace, seconds=[4.0])) is not None
    assert speed_of(trained(workspace, seconds=[], optim_batch_size=1)).seconds_per_clip == pytest.approx(1 / 30)


def test_of_runs_beside_other_work_the_least_disturbed_tells_and_what_is_usual_without():
    def told(*pace):
        known = [
            TrainingSpeed("compact", 1.0, "demo", CPU, work, 5.0, seconds, 0.0, busy=True) for work, seconds in pace
        ]
        return estimate(RunConfig(), EpochPlan(10, 320, 320), known, CPU)

    work = work_of(RunConfig(), 5.0)
    slow, both = told((work, 0.4)), told((work, 0.4), (work / 2, 0.1))
    assert (slow.seconds, both.seconds) == (pytest.approx(FIXED_SECONDS + 1280), pytest.approx(FIXED_SECONDS + 640))
    assert both.busy
    assert both.idle == slow.idle == pytest.approx(FIXED_SECONDS + 3200 / USUAL_SPEED)
    assert told((work, 0.001)).idle is None  # faster than usual even so


def test_an_estimate_tells_too_and_one_of_an_older_version_nothing():
    told = Estimate(
        seconds_per_epoch=9.0, seconds_total=90.0, batch_size=32, micro_batch=32, peak_bytes=1, memory_bytes=2, largest_batch=None,
        steps_timed=10, device=CPU, clip_seconds=5.0, step_seconds=0.08, watch_seconds=0.2, watched=100,
    )  # fmt: skip
    speed = speed_of_estimate(RunConfig(), told)
    assert (speed.seconds_per_clip, speed.watched_seconds, speed.device) == (0.0025, 0.002, CPU)
    assert speed_of_estimate(RunConfig(), told.model_copy(update={"clip_seconds": 0.0})) is None


def test_epochs_that_were_not_evaluated_do_not_tell_what_an_evaluation_takes(tmp_path):
    workspace = Workspace(tmp_path)
    run = trained(workspace, (5.2, *([3.2] * 9), 5.2))
    events = [
        event.model_copy(update={"evaluated": event.seconds > 4}) if isinstance(event, Epoch) else event
        for event in run.events()
    ]
    (run.path / "events.jsonl").unlink()
    for event in events:
        run.append(event)
    (speed,) = speeds(workspace)
    assert speed.watched_seconds == pytest.approx((5.2 - 3.2) / 20)


def test_another_device_or_network_does_not_count(tmp_path):
    workspace = Workspace(tmp_path)
    trained(workspace, device=GPU)
    known = speeds(workspace)
    told = estimate(RunConfig(), EpochPlan(10, 100, 100), known, CPU)
    assert told is not None
    assert not told.measured
    resnet = RunConfig().replace({"model.name": "resnet18"})
    assert estimate(resnet, EpochPlan(10, 100, 100), known, CPU) is None
    assert estimate(RunConfig(), EpochPlan(10, 100, 100), [], GPU, cpu=False) is None
    assert estimate(RunConfig(), EpochPlan(10, 96, 96), known, GPU).seconds == pytest.approx(FIXED_SECONDS + 10 * 3.2)


def test_more_mel_bands_longer_clips_and_a_wider_network_take_longer():
    known = [TrainingSpeed("compact", 1.0, "demo", CPU, 216 * 64, 5.0, 0.01, 0.002)]
    plain = estimate(RunConfig(), EpochPlan(1, 96, 96), known, watched=50)
    for changes, factor in (
        ({"features.n_mels": 128}, 2.0),
        ({"audio.clip_seconds": 10.0}, 2.0),
        ({"model.width": 2.0}, 2**1.7),
        ({"audio.sample_rate": 44100}, 1.0),
    ):
        told = estimate(RunConfig().replace(changes), EpochPlan(1, 96, 96), known, watched=50)
        assert (told.seconds - FIXED_SECONDS) / (plain.seconds - FIXED_SECONDS) == pytest.approx(factor, rel=0.1)


def test_a_run_that_cannot_be_read_hides_no_other(tmp_path):
    workspace = Workspace(tmp_path)
    trained(workspace)
    (trained(workspace).path / "config.json").write_text("{")
    (trained(workspace).path / "events.jsonl").write_text('{"type": "epoch", "time": 1, "epoch": 1, "seconds": "x"}\n')
    assert len(speeds(workspace)) == 1


@pytest.mark.parametrize(
    ("flags", "computes"),
    [
        ("fpu avx2 fma", "other"),
        ("fpu avx2 avx512f avx512_vnni", "avx512"),
        ("fpu avx2 avx512f avx512_bf16", "bf16"),
        ("avx512f amx_bf16 amx_tile", "bf16"),
    ],
)
def test_what_a_processor_computes_in_is_read_from_its_flags(flags, computes):
    assert (
        arithmetic_of(f"processor\t: 0\nmodel name\t: X avx512_bf16\nflags\t\t: {flags}\nbugs\t\t: amx_bf16\n")
        == computes
    )
    assert arithmetic_of("processor\t: 0\nFeatures\t: fp asimd\n") == "other"


def steps(seconds: float) -> TrainingSpeed:
    """What :mod:`labcore.training.machine_speed` finds: a clip of the default recipe in so many seconds."""
    return TrainingSpeed("compact", 1.0, "", CPU, work_of(RunConfig(), 5.0), 5.0, seconds, 0.0, trained=False)


def test_steps_stand_in_for_the_usual_speed_and_runs_come_first():
    plan = EpochPlan(10, 320, 320)
    told = estimate(RunConfig(), plan, [steps(0.01)], CPU, watched=80)
    assert (told.source, told.measured) == ("steps", True)
    assert told.seconds == pytest.approx(FIXED_SECONDS + 10 * (320 + WATCH_COSTS * 80) * 0.01)
    wide = estimate(RunConfig().replace({"model.width": 2.0}), plan, [steps(0.01)], CPU)
    assert wide.seconds == pytest.approx(FIXED_SECONDS + 3200 * 0.01 * 2**WIDTH_COSTS)
    one = estimate(RunConfig().replace({"runtime.threads": 1}), plan, [steps(0.01)], CPU)
    assert one.seconds == pytest.approx(FIXED_SECONDS + 3200 * 0.01 * speed_up(2))
    assert estimate(RunConfig(), plan, [steps(0.01)], GPU, cpu=False) is None
    assert estimate(RunConfig().replace({"model.name": "resnet18"}), plan, [steps(0.01)], CPU) is None

    run = TrainingSpeed("compact", 1.0, "demo", CPU, work_of(RunConfig(), 5.0), 5.0, 0.02, 0.0)
    assert estimate(RunConfig(), plan, [steps(0.01), run], CPU).source == "runs"
    busy = estimate(RunConfig(), plan, [steps(0.01), replace(run, busy=True)], CPU)
    assert (busy.source, busy.busy) == ("runs", True)
    assert busy.idle == pytest.approx(FIXED_SECONDS + 32)
