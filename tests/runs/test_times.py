"""About how long a run will take: by earlier runs of this machine, else by what presets say."""

from __future__ import annotations

import pytest

from labcore.config import RunConfig
from labcore.config.budget import EpochPlan, plan_for
from labcore.config.presets import PRESETS, preset
from labcore.events import Epoch, TrainingStarted
from labcore.runs import Run, list_runs
from labcore.runs.times import TrainingSpeed, estimate, speed_of
from labcore.workspace import Workspace

CPU, GPU = "Some CPU, 2 cores", "NVIDIA GTX"


def speeds(workspace: Workspace) -> list[TrainingSpeed]:
    return [speed for run in list_runs(workspace) if (speed := speed_of(run)) is not None]


def trained(workspace: Workspace, seconds: float = 4.0, device: str = CPU, **changes: object) -> Run:
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
    for epoch, taken in ((1, 99.0), (2, seconds)):
        run.append(
            Epoch(
                epoch=epoch, epochs=3, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, lr=0.1,
                clips_per_second=30.0, seconds=taken, seconds_left=1.0, averaged=False,
            )
        )  # fmt: skip
    run.save("environment", {"device_name": device})
    return run


@pytest.mark.parametrize(
    ("name", "least", "most"), [("quick", 30, 90), ("balanced", 240, 360), ("thorough", 900, 1500)]
)
def test_without_runs_it_says_what_the_presets_say(name, least, most):
    config = preset(name)
    told = estimate(config, plan_for(config, 320), [])
    assert told is not None
    assert least < told.seconds < most
    assert not told.measured
    assert str(PRESETS[name].summary)


def test_the_last_epoch_of_an_earlier_run_tells_and_not_its_first(tmp_path):
    workspace = Workspace(tmp_path)
    assert speed_of(Run.create(workspace, RunConfig())) is None
    trained(workspace)
    told = estimate(RunConfig(), EpochPlan(10, 200, 200), speeds(workspace), CPU)
    assert told is not None
    assert told.measured
    assert told.seconds == pytest.approx(10 * 200 * 4.0 / 100)


def test_another_device_or_network_does_not_count(tmp_path):
    workspace = Workspace(tmp_path)
    trained(workspace, seconds=1000.0, device=GPU)
    known = speeds(workspace)
    told = estimate(RunConfig(), EpochPlan(10, 100, 100), known, CPU)
    assert told is not None
    assert not told.measured
    resnet = RunConfig().replace({"model.name": "resnet18"})
    assert estimate(resnet, EpochPlan(10, 100, 100), known, CPU) is None
    assert estimate(RunConfig(), EpochPlan(10, 100, 100), [], GPU, cpu=False) is None
    assert estimate(RunConfig(), EpochPlan(10, 100, 100), known, GPU).seconds == pytest.approx(10000)


def test_more_mel_bands_longer_clips_and_a_wider_network_take_longer():
    known = [TrainingSpeed("compact", 1.0, "demo", CPU, 216 * 64, 5.0, 0.01)]
    plain = estimate(RunConfig(), EpochPlan(1, 100, 100), known)
    for changes, factor in (
        ({"features.n_mels": 128}, 2.0),
        ({"audio.clip_seconds": 10.0}, 2.0),
        ({"model.width": 2.0}, 2**1.7),
        ({"audio.sample_rate": 44100}, 1.0),
    ):
        told = estimate(RunConfig().replace(changes), EpochPlan(1, 100, 100), known)
        assert told.seconds / plain.seconds == pytest.approx(factor, rel=0.1)


def test_a_run_that_cannot_be_read_hides_no_other(tmp_path):
    workspace = Workspace(tmp_path)
    trained(workspace)
    (trained(workspace).path / "config.json").write_text("{")
    (trained(workspace).path / "events.jsonl").write_text('{"type": "epoch", "time": 1, "epoch": 1, "seconds": "x"}\n')
    assert len(speeds(workspace)) == 1
