import itertools
import time
from types import SimpleNamespace

import pytest
import torch

from labcore.config.budget import speed_up
from labcore.events import Estimate, TrainingStarted
from labcore.load import Load
from labcore.runs import Run
from labcore.training import estimate as module
from labcore.training.estimate import measure
from labcore.training.precision import Precision
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer
from tests.training.outcome import outcome


def test_a_forecast_is_told_and_leaves_no_run_behind(tiny, monkeypatch):
    monkeypatch.setattr(module, "free_bytes", lambda device: 10**6)
    before = set(tiny.workspace.runs.iterdir())
    told, result = outcome(measure(tiny.config, tiny.workspace))
    assert isinstance(result, Estimate)
    assert any(isinstance(event, TrainingStarted) for event in told)
    assert set(tiny.workspace.runs.iterdir()) == before
    assert not list(tiny.workspace.cache.glob("estimate-*"))
    around = result.seconds_before + result.seconds_after
    assert result.seconds_total == pytest.approx(around + result.seconds_per_epoch * tiny.config.optim.epochs)
    assert result.seconds_before > 0 < result.seconds_after
    assert (result.clip_seconds, result.watched) == (0.5, 18)  # windows: three of the 12 clips have three
    assert (result.batch_size, result.micro_batch) == (8, 8)
    assert result.peak_bytes > 0
    assert result.largest_batch >= 1
    assert result.clips == 24


def test_more_memory_fits_a_larger_batch_whatever_the_clips_are(tiny, monkeypatch):
    largest = []
    for free in (10**4, 10**6, 10**12):
        monkeypatch.setattr(module, "free_bytes", lambda device, free=free: free)
        _, result = outcome(measure(tiny.config, tiny.workspace))
        largest.append(result.largest_batch)
    assert largest == sorted(largest)
    assert largest[0] < 24 < largest[-1]


def test_the_memory_of_a_clip_is_what_its_activations_take(tiny):
    class Probe:
        device = torch.device("cpu")
        micro_batch = 8
        config = tiny.config
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 10, 1), torch.nn.ReLU())

        class session:
            precision = Precision("fp32", "contiguous", "")

            class pipeline:
                frames = 32

    pixels = tiny.config.features.n_mels * 32 * 4
    # the convolution keeps its input of one channel, the rectifier its output of ten
    assert module._bytes_a_clip(Probe) == int(module.IN_THE_WORKS * 11 * pixels)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Steps are not timed for longer than it takes to have enough of them."""
    monkeypatch.setattr(module, "LEAST_SECONDS", 0.0)


def test_short_steps_are_timed_for_long_enough(tiny, monkeypatch):
    asked = itertools.count()  # the clock moves by 10 ms whenever it is asked, twice a step
    clock = SimpleNamespace(**vars(time) | {"perf_counter": lambda: next(asked) / 100})
    monkeypatch.setattr(module, "time", clock)
    for least, most, steps in ((0.0, 4.0, module.FEWEST_STEPS), (0.495, 4.0, 23), (0.0, 0.0, 2)):
        monkeypatch.setattr(module, "LEAST_SECONDS", least)
        monkeypatch.setattr(module, "MOST_SECONDS", most)
        _, result = outcome(measure(tiny.config, tiny.workspace))
        assert result.steps_timed == steps


def test_the_help_for_few_clips_is_in_the_time_after_the_last_epoch(tiny, monkeypatch):
    monkeypatch.setattr(module.few_clips, "help_out", lambda session: time.sleep(0.5))
    _, result = outcome(measure(tiny.config, tiny.workspace))
    assert result.seconds_after >= 0.5


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
@pytest.mark.parametrize(("epochs", "batch"), [(1, 24), (1, 64), (2, 8)])
def test_a_run_shorter_than_the_probe_is_forecast(tiny, schedule, epochs, batch):
    config = tiny.config.replace({"optim.schedule": schedule, "optim.epochs": epochs, "optim.batch_size": batch})
    _, result = outcome(measure(config, tiny.workspace))
    assert result.steps_timed == module.FEWEST_STEPS
    assert result.batch_size == min(batch, 24)
    assert result.seconds_total > epochs * result.seconds_per_epoch > 0


def test_a_step_after_the_last_keeps_its_learning_rate(tiny):
    config = tiny.config.replace({"optim.epochs": 1, "optim.batch_size": 12, "optim.schedule": "cosine"})
    trainer = Trainer(outcome(prepare(config, Run.create(tiny.workspace, config), tiny.workspace, lambda: False))[1])
    rates = []
    for step in range(trainer.steps_of_epoch() + 3):
        trainer.step(step % trainer.steps)
        rates.append(trainer.lr)
    assert rates[0] > rates[1] == rates[2] == rates[4]


def test_beside_other_work_one_thread_alone_tells_what_a_step_takes(monkeypatch):
    clock = iter([0.0, 0.5, 0.5, 0.9, 0.9, 1.5])
    monkeypatch.setattr(module.time, "thread_time", lambda: next(clock))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)

    class Busy:
        device, steps = torch.device("cpu"), 2

        class session:
            precision = Precision("fp32", "contiguous", "")

        def step(self, number):
            assert threads == [1]

    load = Load(2, 1.5)
    assert module._idle_step(Busy(), 4.0, load) == pytest.approx(0.4 / speed_up(2))
    assert threads == [1, 2]
    Busy.device = torch.device("cuda")
    assert module._idle_step(Busy(), 4.0, load) == 4.0


@pytest.mark.parametrize(("taken", "told"), [(0.0, False), (1.5, True)])
def test_a_busy_machine_is_told_with_the_whole_run_without_it(tiny, monkeypatch, taken, told):
    monkeypatch.setattr(module.LoadMeter, "load", lambda meter: Load(2, taken))
    monkeypatch.setattr(module, "_idle_step", lambda trainer, seconds, load: seconds / 2)
    _, result = outcome(measure(tiny.config, tiny.workspace, loading=20.0))
    assert (result.others, result.cores) == (taken, 2)
    assert result.seconds_before > 20
    if told:
        assert result.seconds_idle == pytest.approx(result.seconds_total / 2)
    else:
        assert result.seconds_idle is None
