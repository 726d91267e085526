import copy

import pytest
import torch

from labcore.errors import OutOfMemoryError
from labcore.events import BatchSplit
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.training.loop import train
from labcore.training.memory import largest_batch, out_of_memory
from labcore.training.precision import Precision
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from tests.training.outcome import outcome


def step_with_room_for(limit):
    def step(batch):
        if batch > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return step


@pytest.mark.parametrize(
    ("limit", "failed", "expected"), [(5, 8, 4), (6, 8, 6), (1, 64, 1), (0, 8, None), (100, 128, 96)]
)
def test_the_largest_batch_is_found_by_halving_and_a_finer_look(limit, failed, expected):
    assert largest_batch(step_with_room_for(limit), failed) == expected


def test_other_errors_are_not_swallowed():
    def step(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_batch(step, 8)


def test_the_error_tells_what_to_do():
    assert "--batch-size 16" in str(out_of_memory(32, 16, "GPU"))
    assert "smaller network" in str(out_of_memory(1, None, "GPU"))


def _no_memory(*given):
    raise MemoryError


def test_where_a_part_does_not_fit_after_all_a_smaller_one_is_tried(tiny, monkeypatch):
    """Noise through the network tells about how much fits; what comes before it takes memory too."""
    real = Trainer.descend

    def descend(trainer, images, targets):
        if trainer.micro_batch > 1:
            raise torch.OutOfMemoryError("out of memory")
        real(trainer, images, targets)

    monkeypatch.setattr(Trainer, "descend", descend)
    monkeypatch.setattr(Trainer, "_try", lambda trainer, batch, shape: None)
    config = tiny.config.replace({"runtime.out_of_memory": "split", "optim.epochs": 1})
    events = list(train(config, Run.create(tiny.workspace, config), tiny.workspace))
    (divided,) = (event for event in events if isinstance(event, BatchSplit))
    assert divided.micro_batch == 1


def test_a_batch_that_does_not_fit_in_any_parts_is_told(tiny, monkeypatch):
    monkeypatch.setattr(Trainer, "descend", _no_memory)
    monkeypatch.setattr(Trainer, "_try", lambda trainer, batch, shape: None)
    config = tiny.config.replace({"runtime.out_of_memory": "split"})
    with pytest.raises(OutOfMemoryError, match=r"a batch of 8 clips .* 1 at a time") as told:
        list(train(config, Run.create(tiny.workspace, config), tiny.workspace))
    assert "smaller batch size" in told.value.remedy


def test_noise_that_shows_what_fits_leaves_the_network_as_it_is(tiny):
    session = outcome(prepare(tiny.config, Run.create(tiny.workspace, tiny.config), tiny.workspace, lambda: False))[1]
    trainer = Trainer(session)
    trainer.network.train()
    before = copy.deepcopy(trainer.network.state_dict())
    trainer._try(4, (1, tiny.config.features.n_mels, session.pipeline.frames))
    assert all(torch.equal(before[name], now) for name, now in trainer.network.state_dict().items())
    assert all(parameter.grad is None for parameter in trainer.network.parameters())


def test_the_scaler_of_fp16_goes_on_where_memory_ran_out_in_the_optimizer(tiny, monkeypatch):
    session = outcome(prepare(tiny.config, Run.create(tiny.workspace, tiny.config), tiny.workspace, lambda: False))[1]
    session.precision = Precision("fp16", "contiguous", "")
    session.config = session.config.replace({"optim.clip_norm": 1.0, "runtime.out_of_memory": "split"})
    trainer = Trainer(session)
    real, fails = torch._fused_sgd_, [True]

    def step(*given, **options):
        if fails and fails.pop():
            raise torch.OutOfMemoryError("out of memory")
        return real(*given, **options)

    monkeypatch.setattr(torch, "_fused_sgd_", step)
    trainer.steps_of_epoch()
    assert isinstance(trainer.step(0), BatchSplit)
    assert not fails


def test_memory_that_runs_out_beside_the_steps_is_no_bug(tiny, monkeypatch):
    def full(*given):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore")

    monkeypatch.setattr("labcore.training.prepare.EvalSet", full)
    end = work(Run.create(tiny.workspace, tiny.config))
    assert (end.state, end.details["kind"]) == ("failed", "OutOfMemoryError")
    assert end.error == (
        "memory ran out while clips were prepared or evaluated: CUDA out of memory. Tried to allocate 2.00 GiB"
    )
