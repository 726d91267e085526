"""Training on a GPU mixes no devices and waits for nothing, as far as fake tensors show it; see tests/fake_gpu.py.

What they do not show: whether a graph can be recorded and gives the same, what lies in pinned memory, speed, memory.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import unset_fake_temporarily

from labcore.config import RunConfig
from labcore.device import DeviceChoice
from labcore.evaluation.eval_set import EvalSet
from labcore.models import REGISTRY
from labcore.runs import Run
from labcore.task.several import SeveralLabels
from labcore.training.pace import EpochPace
from labcore.training.pipeline import InputPipeline
from labcore.training.precision import Precision
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from labcore.training.weight_average import _take_in
from tests.fake_gpu import FakeGpu, Graphs
from tests.training.outcome import outcome

BOTH_FORMATS = [("fp32", "contiguous"), ("bf16", "channels_last"), ("fp16", "channels_last")]
MEL_ALONE = {"augment.mixup": 0.5, "augment.masks": 2}
WAVEFORMS = {"augment.noise": 0.5, "augment.reverb": 0.5, "augment.speed": 0.1}


@pytest.fixture
def gpu(monkeypatch):
    real = InputPipeline.starts

    def starts(pipeline, rows):
        """Where crops begin is drawn on the CPU, and looked at."""
        with unset_fake_temporarily():
            return real(pipeline, rows)

    monkeypatch.setattr(InputPipeline, "starts", starts)
    made = FakeGpu(monkeypatch)
    made.graphs = Graphs(monkeypatch)
    return made


def session_on(gpu, tiny, precision=("fp32", "contiguous"), several=False, **changes):
    """A session that was prepared on the CPU, and was moved to the GPU."""
    config: RunConfig = tiny.config.replace(changes)
    _, session = outcome(prepare(config, Run.create(tiny.workspace, config), tiny.workspace, lambda: False))
    if several:
        session.classifier.task = SeveralLabels()
        session.pipeline.mix_targets = session.classifier.task.mixed
        session.pipeline.take_up(config.augment, None)
        of_class = np.eye(len(session.classifier.labels), dtype=np.int64)[session.clips.targets]
        of_class[::3, 0] = -1  # nobody knows
        session.clips.__dict__["targets"] = of_class
    pipeline = session.pipeline
    gpu.module(session.classifier)
    gpu.module(pipeline.chain)
    pipeline.waves = gpu.clips(pipeline.waves)
    if pipeline.mels is not None:
        pipeline.mels = gpu.clips(pipeline.mels)
    session.device = DeviceChoice("cuda:0", "a GPU", "")
    session.precision = Precision(*precision, "")
    return session


def trainer_on(gpu, tiny, *given, **changes):
    session = session_on(gpu, tiny, *given, **changes)
    with gpu.waiting(), gpu.working():
        trainer = Trainer(session)
    with gpu.waiting():
        _ = session.pipeline.sampler  # which looks at all clips, once
    trainer.steps_of_epoch()
    return trainer


def take(gpu, trainer, steps=5):
    for number in range(steps):
        with gpu.working():
            assert trainer.step(number % trainer.steps) is None
    assert trainer.shown.device == trainer.loss_sum.device == torch.device("cuda:0")
    assert gpu.waits == []


@pytest.mark.parametrize(
    ("precision", "changes"),
    list(zip(BOTH_FORMATS, (MEL_ALONE, WAVEFORMS, MEL_ALONE), strict=True)),
    ids=["fp32 mel cache", "bf16 waveforms", "fp16 mel cache"],
)
def test_a_step_stays_on_the_gpu_and_waits_for_nothing(gpu, tiny, precision, changes):
    trainer = trainer_on(gpu, tiny, precision, **{"optim.clip_norm": 1.0, "model.dropout": 0.3} | changes)
    take(gpu, trainer)
    assert (gpu.graphs.recorded, gpu.graphs.replayed) == ((0, 0) if precision[0] == "fp16" else (1, 2))


@pytest.mark.parametrize(("name", "optimizer"), [*((name, "sgd") for name in sorted(REGISTRY)), ("small_cnn", "adamw")])
def test_every_network_and_optimizer_does(gpu, tiny, name, optimizer):
    changes = {"model.name": name, "optim.optimizer": optimizer, "optim.label_smoothing": 0.1}
    take(gpu, trainer_on(gpu, tiny, ("bf16", "channels_last"), **changes))


def test_several_labels_a_clip_do_and_unknown_ones(gpu, tiny):
    trainer = trainer_on(gpu, tiny, several=True, **MEL_ALONE, **{"data.balance": "weighting"})
    trainer.class_weights = torch.ones(3, device="cpu") if trainer.class_weights is None else trainer.class_weights
    trainer.class_weights = gpu.tensor(trainer.class_weights)
    take(gpu, trainer)


def test_parts_of_a_batch_a_frozen_body_and_a_slower_one_do(gpu, tiny):
    changes = {"runtime.micro_batch": 3, "model.freeze_epochs": 2, "optim.body_lr": 0.1, "optim.optimizer": "adamw"}
    take(gpu, trainer_on(gpu, tiny, **changes))


def test_the_end_of_an_epoch_stays_on_the_gpu(gpu, tiny):
    trainer = trainer_on(gpu, tiny, ("bf16", "channels_last"), **{"optim.averaging": 1.0})
    take(gpu, trainer, 3)
    session = trainer.session
    with gpu.waiting(), gpu.working():
        session.watched = EvalSet(session.classifier, session.pipeline.waves, session.watched_rows)
        event = trainer.finish_epoch(EpochPace())
    assert event.averaged
    means, values = ([gpu.tensor(torch.ones(2)), gpu.tensor(torch.ones((), dtype=torch.int64))] for _ in range(2))
    _take_in(means, values, 3)
    assert gpu.waits == []


def test_a_recorded_step_is_kept_over_epochs_and_forgotten_with_what_it_does(gpu, tiny):
    trainer = trainer_on(gpu, tiny, **MEL_ALONE, **{"augment.plain_share": 0.25})
    for _ in range(3):
        trainer.reconfigure(trainer.config.replace({}))  # as at the beginning of every epoch
        take(gpu, trainer, trainer.steps)
        trainer.steps_of_epoch()
    assert gpu.graphs.recorded == 1
    assert trainer.captured.graph is None  # the fourth and last epoch does not mix
    take(gpu, trainer, 4)
    with gpu.waiting(), gpu.working():
        trainer.reconfigure(trainer.config.replace({"augment.masks": 3}))
    assert trainer.captured.graph is None


def test_a_rate_is_the_schedules_again_where_a_step_failed(gpu, tiny, monkeypatch):
    trainer = trainer_on(gpu, tiny, **{"optim.lr_factor": 0.5})
    take(gpu, trainer, 1)
    rate = trainer.optimizer.param_groups[0]["lr"]

    def full(optimizer):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(trainer.scaler, "step", full)
    with gpu.working(), pytest.raises(torch.OutOfMemoryError):
        trainer._update()
    assert trainer.optimizer.param_groups[0]["lr"] == rate


def test_clips_of_the_curves_have_the_memory_of_a_recorded_step(gpu, tiny):
    trainer, asked = trainer_on(gpu, tiny), []
    take(gpu, trainer, 4)

    def probabilities(forward):
        asked.append(trainer.captured.graph)
        if asked[-1] is not None:
            raise torch.OutOfMemoryError("out of memory")
        return np.full((len(trainer.session.watched_rows), 3), 1 / 3, dtype=np.float32)

    trainer.session.watched = SimpleNamespace(probabilities=probabilities)
    assert trainer.validate().accuracy is not None
    assert len(asked) == 2
