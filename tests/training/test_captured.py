"""Steps that are recorded as a CUDA graph and replayed; and weights averaged where they lie."""

from __future__ import annotations

import gc
import warnings
import weakref
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from labcore.events import Epoch, Evaluated, Log
from labcore.runs import Run
from labcore.training import captured as module
from labcore.training import step_timing
from labcore.training import trainer as trainer_module
from labcore.training.captured import WARM_STEPS, CapturedStep
from labcore.training.loop import train
from labcore.training.precision import Precision
from labcore.training.step_timer import StepTimer
from labcore.training.weight_average import weight_average
from tests.fake_gpu import Graphs


def batch(clips=4):
    return torch.ones(clips, 3), torch.ones(clips, 2)


GPU = torch.device("cuda:1")


def captured(monkeypatch):
    return Graphs(monkeypatch), CapturedStep(GPU, StepTimer(torch.device("cpu")))


def test_a_step_is_recorded_after_some_and_anew_where_something_changed(monkeypatch):
    (graphs, step), taken = captured(monkeypatch), []

    def work(cut, targets):
        taken.append(graphs.recording)
        return cut[:1]

    for number in range(WARM_STEPS + 2):
        assert step(work, torch.full((4, 3), float(number)), torch.ones(4, 2)).shape == (1, 3)
    assert taken == [False] * WARM_STEPS + [True]  # recorded once, and replayed for itself and the next
    assert (graphs.recorded, graphs.replayed) == (1, 2)
    assert float(step.inputs[0][0, 0]) == WARM_STEPS + 1  # a replay reads what was copied there
    step(work, *batch(2))  # another shape
    step.forget()
    step(work, *batch())
    assert taken[WARM_STEPS + 1 :] == [False, False]
    assert (graphs.recorded, graphs.replayed) == (1, 2)
    assert set(graphs.devices) == {GPU}  # and not whichever is the current one


def test_what_cannot_be_recorded_is_taken_kernel_by_kernel(monkeypatch):
    graphs, step = captured(monkeypatch)

    def fails(cut, targets):
        if graphs.recording:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        return cut

    for _ in range(WARM_STEPS + 4):
        assert step(fails, *batch()) is not None
    assert step.trouble == "operation not permitted when stream is capturing"  # and not what its end says
    assert (graphs.recorded, graphs.replayed, graphs.renewed) == (1, 0, 1)
    assert graphs.on == "the usual stream"
    assert (graphs.serving, graphs.released) == ([], [(0, (0, 1))])  # else torch never gives memory back again


def test_where_memory_runs_out_it_is_whoever_asked_who_divides_the_batch(monkeypatch):
    graphs, step = captured(monkeypatch)

    def grows(cut, targets):
        if graphs.recording:
            raise torch.OutOfMemoryError("out of memory")
        return cut

    for _ in range(WARM_STEPS):
        step(grows, *batch())
    with pytest.raises(torch.OutOfMemoryError) as raised:
        step(grows, *batch())
    assert raised.value.__context__ is None  # whose traceback would hold tensors
    assert not step.trouble
    assert (graphs.renewed, graphs.on) == (1, "the usual stream")
    assert (graphs.serving, graphs.released) == ([], [])  # torch has ended it, and will release it with the graph


def test_what_was_queued_before_memory_ran_out_is_done_before_what_comes_next(monkeypatch):
    graphs, step = captured(monkeypatch)
    waited = []
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(wait_stream=waited.append))

    def full(cut, targets):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        step(full, *batch())
    assert waited == [graphs.stream]


def test_what_waits_for_the_device_is_not_even_tried(monkeypatch):
    graphs, step = captured(monkeypatch)

    def waits(cut, targets):
        warnings.warn("of something else", stacklevel=1)
        if graphs.watching:
            warnings.warn("called a synchronizing CUDA operation (Triggered internally at …)", stacklevel=1)
        return cut

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(WARM_STEPS + 2):
            step(waits, *batch())
    assert {str(each.message) for each in told} == {"of something else"}
    assert step.trouble.startswith("it waits for the device (test_captured.py, line ")
    assert (graphs.recorded, graphs.watching) == (0, False)


def test_whose_step_is_recorded_is_not_kept_for_it(monkeypatch):
    Graphs(monkeypatch)
    monkeypatch.setattr(StepTimer, "replayed", lambda clock: None)
    network, way = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), Precision("fp32", "contiguous", "")
    monkeypatch.setattr(Precision, "on_graph", lambda way, device: True)
    stepper = step_timing._Stepper(way, network, (2, 1, 2, 2), torch.device("cpu"), True)
    stepper.seconds()
    assert stepper.captured.graph is not None
    gone = weakref.ref(stepper)
    gc.collect()
    gc.disable()  # what waits for it holds the memory of a GPU meanwhile
    try:
        del stepper
        assert gone() is None
    finally:
        gc.enable()


def averaged_by_hand(device):
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to(device)
    average, weights = weight_average(network), []
    for _ in range(3):
        with torch.no_grad():
            network[0].weight.add_(torch.rand_like(network[0].weight))
        network(torch.rand(4, 2, device=device))
        weights.append(network[0].weight.detach().clone())
        average.update_parameters(network)
    return network, average, torch.stack(weights).mean(0)


def test_the_average_of_weights_keeps_counts_as_they_are():
    network, average, mean = averaged_by_hand("cpu")
    torch.testing.assert_close(average.module[0].weight, mean)
    assert int(average.module[1].num_batches_tracked) == int(network[1].num_batches_tracked) == 3
    assert int(average.n_averaged) == 3


@pytest.mark.gpu
def test_the_average_of_weights_on_a_gpu():
    _, average, mean = averaged_by_hand("cuda")
    torch.testing.assert_close(average.module[0].weight, mean)
    assert int(average.module[1].num_batches_tracked) == 3


def events_of(tiny, **changes):
    config = tiny.config.replace({"runtime.device": "cuda", "optim.epochs": 6} | changes)
    run = Run.create(tiny.workspace, config)
    return run, list(train(config, run, tiny.workspace))


def losses(events):
    return [event.train_loss for event in events if isinstance(event, Epoch)]


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_steps_are_those_that_are_taken_kernel_by_kernel(tiny, monkeypatch, optimizer, precision):
    """Also with another learning rate at every step, without mixup at the end, and with weights averaged."""
    changes = {"optim.optimizer": optimizer, "runtime.precision": precision, "model.dropout": 0.3}
    made = []
    monkeypatch.setattr(trainer_module, "CapturedStep", lambda *given: made.append(CapturedStep(*given)) or made[-1])
    _, replayed = events_of(tiny, **changes)
    assert made[0].graph is not None
    monkeypatch.setattr(module, "WARM_STEPS", 10**9)
    _, plain = events_of(tiny, **changes)
    assert made[1].graph is None
    assert losses(replayed) == pytest.approx(losses(plain), rel=0.02 if precision == "fp32" else 0.1)
    assert isinstance(replayed[-1], Evaluated)
    last = [event for event in replayed if isinstance(event, Epoch)][-1]
    assert last.averaged
    assert set(last.spent) == {"data", "augmentation", "mel", "network", "waiting"}
    assert last.spent["network"] > 0


@pytest.mark.gpu
def test_a_network_that_waits_for_the_device_is_trained_without_a_graph(tiny, monkeypatch):
    real = trainer_module.Trainer.augmented

    def waits(trainer, cut, targets):
        images, targets = real(trainer, cut, targets)
        assert float(images.sum()) < 1e9  # waits
        return images, targets

    monkeypatch.setattr(trainer_module.Trainer, "augmented", waits)
    _, events = events_of(tiny)
    assert isinstance(events[-1], Evaluated)
    (told,) = [event for event in events if isinstance(event, Log) and "CUDA graph" in event.message]
    assert told.level == "info"


@pytest.mark.gpu
def test_a_run_on_a_gpu_goes_on_from_its_checkpoint(tiny):
    run, whole = events_of(tiny, **{"optim.optimizer": "adamw"})
    again, told = Run.create(tiny.workspace, run.config), []
    for event in train(run.config, again, tiny.workspace, should_stop=lambda: len(told) == 3):
        told.extend([event] if isinstance(event, Epoch) else [])
    rest = losses(train(run.config, again, tiny.workspace))
    assert rest[-3:] == pytest.approx(losses(whole)[3:], rel=0.05)
