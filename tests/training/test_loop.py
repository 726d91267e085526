import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from labcore.datasets.layouts import read_dataset
from labcore.datasets.store import open_store
from labcore.errors import DatasetError, DeviceError, LabError, OutOfMemoryError
from labcore.evaluation.evaluate import evaluate
from labcore.events import BatchSplit, Epoch, Evaluated, Log, TrainingStarted
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.runs.asked import NAME, asked_for
from labcore.training.checkpoint import take_up
from labcore.training.loop import train
from labcore.training.pace import EpochPace
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer


def told(events, run):
    """The events, each appended to the run as its worker does."""
    for event in events:
        run.append(event)
        yield event


def run_all(config, run, workspace, **keywords):
    return list(told(train(config, run, workspace, **keywords), run))


def session_of(config, workspace):
    generator = prepare(config, Run.create(workspace, config), workspace, lambda: False)
    try:
        while True:
            next(generator)
    except StopIteration as stop:
        return stop.value


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def after_epochs(number):
    """A should_stop that says yes once ``number`` epochs' checkpoints were there, told by its ``seen`` list."""
    seen = []
    return seen, lambda: len(seen) >= number


def train_until(config, run, workspace, epochs):
    seen, should_stop = after_epochs(epochs)
    events = []
    for event in told(train(config, run, workspace, should_stop), run):
        events.append(event)
        if isinstance(event, Epoch):
            seen.append(event)
    return events


def test_a_run_from_start_to_weights(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    events = run_all(tiny.config.replace({"optim.epochs": 12}), run, tiny.workspace)
    started, epochs, (result,) = of(TrainingStarted, events), of(Epoch, events), of(Evaluated, events)
    assert [event.epoch for event in epochs] == list(range(1, 13))
    assert (started[0].train_clips, started[0].val_clips, started[0].fold) == (24, 12, "1")
    assert started[0].labels == ["clicks", "noise", "tone"]
    assert epochs[-1].train_loss < epochs[0].train_loss
    assert epochs[-1].averaged
    assert not epochs[0].averaged
    assert result.accuracy > 0.6
    assert result.accuracy_low < result.accuracy < result.accuracy_high or result.accuracy == 1.0
    assert sum(sum(row.values()) for row in result.confusion.values()) == result.clips == 12
    assert run.load("labels") == started[0].labels
    environment = run.load("environment")
    assert environment["device"] == "cpu"
    assert environment["numpy"] == np.__version__
    assert environment["libsndfile"]
    assert run.config.data.fold == "1"
    board = EventAccumulator(str(run.tensorboard))
    board.Reload()
    assert len(board.Scalars("loss/train")) == 12


def test_the_saved_classifier_gives_the_reported_figures(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    (result,) = of(Evaluated, run_all(tiny.config, run, tiny.workspace))
    dataset = read_dataset(tiny.path)
    store = open_store(tiny.workspace, dataset, tiny.config.sample_rate)
    classifier = Classifier.load(run.path)
    rows = np.flatnonzero(store.table["fold"] == "1")
    again = evaluate(classifier, store, rows, "1")
    assert (again.accuracy, again.confusion) == (result.accuracy, result.confusion)
    one_by_one = [classifier.classify(path).label for path in store.table["path"][rows]]
    assert np.mean(np.array(one_by_one) == store.table["label"][rows]) == result.accuracy


@pytest.mark.parametrize(("optimizer", "schedule"), [("sgd", "onecycle"), ("adamw", "cosine"), ("sgd", "constant")])
def test_two_epochs_resume_and_two_more_equal_four_bit_for_bit(tiny, optimizer, schedule):
    config = tiny.config.replace(
        {"optim.optimizer": optimizer, "optim.schedule": schedule, "optim.averaging": 0.6, "augment.noise": 0.5}
    )
    whole, parts = Run.create(tiny.workspace, config), Run.create(tiny.workspace, config)
    expected = run_all(config, whole, tiny.workspace)
    first = train_until(config, parts, tiny.workspace, 2)
    assert not of(Evaluated, first)
    torch.manual_seed(99)  # whatever else the process draws in between
    second = run_all(parts.config, parts, tiny.workspace)
    assert [event.epoch for event in of(Epoch, second)] == [3, 4]
    assert parts.weights.read_bytes() == whole.weights.read_bytes()
    ours, theirs = Classifier.load(parts.path).state_dict(), Classifier.load(whole.path).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for a, b in zip(of(Epoch, first) + of(Epoch, second), of(Epoch, expected), strict=True):
        assert (a.train_loss, a.val_loss, a.val_accuracy, a.lr) == (b.train_loss, b.val_loss, b.val_accuracy, b.lr)


def test_a_checkpoint_is_on_the_disk_before_its_event(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    for event in train(tiny.config, run, tiny.workspace):
        if isinstance(event, Epoch):
            assert take_up(run)[0]["epoch"] == event.epoch


def test_an_epoch_that_was_saved_and_not_told_is_told_on_resuming(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    for event in train(tiny.config, run, tiny.workspace):
        if isinstance(event, Epoch):
            if event.epoch == 2:
                break  # killed between its checkpoint and its line of events
            run.append(event)
    resumed = run_all(run.config, run, tiny.workspace)
    assert [epoch.epoch for epoch in run.epochs()] == [1, 2, 3, 4]
    assert of(Epoch, resumed)[0] == event
    board = EventAccumulator(str(run.tensorboard))
    board.Reload()
    assert [scalar.step for scalar in board.Scalars("loss/train")] == [1, 2, 3, 4]


def test_a_clip_shorter_than_a_hop_trains_with_noise(tiny):
    config = tiny.config.replace(
        {"audio.clip_seconds": 0.1, "features.n_fft": 2048, "features.win_length": 2048, "features.hop_length": 1024}
        | {"augment.noise": 0.5, "augment.time_scale": 0, "optim.epochs": 1}
    )
    assert of(Evaluated, run_all(config, Run.create(tiny.workspace, config), tiny.workspace))


def test_a_stop_is_heeded_before_the_next_step(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > 40

    events = run_all(tiny.config.replace({"optim.epochs": 2000}), run, tiny.workspace, should_stop=should_stop)
    assert not of(Evaluated, events)
    assert len(asked) == 41


def test_a_stop_while_the_store_is_built_leaves_a_run_that_can_start_again(tiny, tmp_path):
    from labcore.workspace import Workspace

    workspace = Workspace(tmp_path)
    run = Run.create(workspace, tiny.config)
    assert run_all(tiny.config, run, workspace, should_stop=lambda: True) == []
    assert of(Evaluated, run_all(tiny.config, run, workspace))


def test_a_resumed_run_refuses_another_data_set(tiny, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(tiny.path, copy)
    config = tiny.config.replace({"data.dataset": str(copy)})
    run = Run.create(tiny.workspace, config)
    train_until(config, run, tiny.workspace, 1)
    gone = next(iter(sorted(copy.rglob("*.wav"))))
    gone.unlink()
    with pytest.raises(DatasetError, match=f"{gone.relative_to(copy)} is not there"):
        run_all(run.config, run, tiny.workspace)


def test_the_normalisation_comes_from_the_training_clips_only(tiny):
    means = []
    for fold in ("1", "2"):
        config = tiny.config.replace({"data.fold": fold})
        generator = prepare(config, Run.create(tiny.workspace, config), tiny.workspace, lambda: False)
        try:
            while True:
                next(generator)
        except StopIteration as stop:
            session = stop.value
        clips = session.pipeline.source.offsets
        frames = torch.cat(
            [session.pipeline.source.values[clips[row] : clips[row + 1]] for row in session.train_rows.tolist()]
        )
        log_mel = session.classifier.log_mel
        torch.testing.assert_close(
            log_mel.mean[:, 0], log_mel.decibels(frames.T[None])[0].double().mean(1).float(), atol=1e-3, rtol=0
        )
        means.append(log_mel.mean)
    assert not torch.equal(*means)


def test_a_clip_length_left_automatic_covers_the_clips(tiny):
    config = tiny.config.replace({"audio.clip_seconds": None, "optim.epochs": 1})
    run = Run.create(tiny.workspace, config)
    run_all(config, run, tiny.workspace)
    assert run.config.audio.clip_seconds == 0.8
    assert Classifier.load(run.path).clip_seconds == 0.8


def test_a_loss_that_is_no_longer_finite_is_told(tiny):
    config = tiny.config.replace(
        {"optim.lr": 2, "optim.clip_norm": 0, "optim.epochs": 30, "optim.schedule": "constant"}
    )
    trainer = Trainer(session_of(config, tiny.workspace))
    with torch.no_grad():
        next(trainer.network.parameters()).fill_(float("nan"))
    trainer.steps_of_epoch()
    trainer.step(0)
    with pytest.raises(LabError, match="diverged in epoch 1"):
        trainer.finish_epoch(EpochPace())


def test_out_of_memory_names_the_batch_that_fits(tiny, monkeypatch):
    limit = 5

    def forward(network, images):
        if len(images) > limit:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return torch.zeros(len(images), 3, requires_grad=True)

    monkeypatch.setattr(torch.nn.Sequential, "forward", forward)
    with pytest.raises(OutOfMemoryError, match="8 clips") as caught:
        run_all(tiny.config.replace({"augment.noise": 0}), Run.create(tiny.workspace, tiny.config), tiny.workspace)
    assert caught.value.fits == 4
    assert "--batch-size 4" in str(caught.value)


def test_a_gpu_that_the_lab_had_chosen_elsewhere_is_chosen_anew(tiny):
    """A run of a cross-validation over two GPUs that goes on where there is none."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    config = tiny.config.replace({"runtime.device": "cuda:1", "optim.epochs": 1})
    run = Run.create(tiny.workspace, config, marks={NAME: {"runtime.device": "auto"}})
    events = run_all(config, run, tiny.workspace)
    assert of(TrainingStarted, events)[0].device == "cpu"


def test_a_gpu_that_is_not_there_is_told(tiny):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    config = tiny.config.replace({"runtime.device": "cuda"})
    with pytest.raises(DeviceError, match="cuda cannot be used"):
        run_all(config, Run.create(tiny.workspace, config), tiny.workspace)


def test_fewer_clips_than_a_batch(tiny):
    config = tiny.config.replace({"optim.batch_size": 512})
    events = run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    assert of(Evaluated, events)


def test_seconds_left_go_down(tiny):
    epochs = of(Epoch, run_all(tiny.config, Run.create(tiny.workspace, tiny.config), tiny.workspace))
    assert epochs[-1].seconds_left == 0
    assert all(a.seconds_left >= 0 and a.epochs == 4 for a, _ in pairwise(epochs))


def test_every_event_is_one_line_of_json(tiny):
    events = run_all(tiny.config, Run.create(tiny.workspace, tiny.config), tiny.workspace)
    for event in events:
        line = event.to_json()
        assert "\n" not in line
        assert json.loads(line)["type"] == event.type


def test_unreadable_files_are_told_and_left_out(tiny, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(tiny.path, copy)
    next(iter(sorted(copy.rglob("*.wav")))).write_bytes(b"no sound")
    config = tiny.config.replace({"data.dataset": str(copy)})
    events = run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    warnings = [event for event in of(Log, events) if event.level == "warning"]
    assert len(warnings) == 1
    assert "1 file" in warnings[0].message
    assert of(TrainingStarted, events)[0].val_clips == 11


def test_out_of_memory_can_divide_the_batch_and_go_on(tiny, monkeypatch):
    real, fits = Trainer.descend, 3

    def descend(trainer, images, targets):
        if trainer.micro_batch > fits:
            raise torch.OutOfMemoryError("out of memory")
        real(trainer, images, targets)

    monkeypatch.setattr(Trainer, "descend", descend)
    monkeypatch.setattr(Trainer, "_try", lambda trainer, batch, shape: None if batch <= fits else _no_memory())
    config = tiny.config.replace({"runtime.out_of_memory": "split"})
    events = run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    (divided,) = (event for event in events if isinstance(event, BatchSplit))
    assert (divided.epoch, divided.batch_size, divided.micro_batch) == (1, 8, 3)
    assert isinstance(events[-1], Evaluated)


def test_cudnn_tries_its_kernels_for_training_alone(tiny, monkeypatch):
    """Where clips are judged, shapes vary, and it would take seconds for each."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    seen, real = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *given: seen.append(torch.backends.cudnn.benchmark) or real(*given))
    monkeypatch.setattr(
        "labcore.training.loop.remember_golden", lambda *given: seen.append(torch.backends.cudnn.benchmark)
    )
    config = tiny.config.replace({"optim.epochs": 1})
    run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    assert (len(seen) > 1, all(seen[:-1]), seen[-1]) == (True, True, False)
    assert not torch.backends.cudnn.benchmark


def _no_memory():
    raise MemoryError


def test_a_batch_in_parts_gives_the_gradient_of_the_whole(tiny):
    gradients = []
    for parts in (8, 3):
        config = tiny.config.replace({"runtime.micro_batch": parts, "model.dropout": 0.0})
        session = session_of(config, tiny.workspace)
        trainer = Trainer(session)
        trainer.steps_of_epoch()
        trainer.network.eval()  # batch norm sees the part alone: here it takes what it has learned
        torch.manual_seed(0)
        images, targets = trainer.images(session.train_rows[:8])
        trainer.descend(images, targets)
        gradients.append(torch.cat([weight.grad.flatten() for weight in trainer.network.parameters()]))
        assert trainer.hits <= 8
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_epochs_that_are_automatic_come_from_the_budget_and_stay_over_a_resume(tiny):
    config = tiny.config.replace({"optim.epochs": None, "optim.budget": 200})
    run = Run.create(tiny.workspace, config)
    events = run_all(config, run, tiny.workspace)
    (told,) = [event.message for event in events if event.type == "log" and "training budget" in event.message]
    assert run.config.optim.epochs == max(event.epoch for event in events if event.type == "epoch")
    assert told.startswith(f"{run.config.optim.epochs} epochs of ")
    assert asked_for(run) == config


def test_a_set_that_is_too_large_for_the_budget_is_drawn_from_and_resumes_with_the_same_clips(tiny):
    config = tiny.config.replace({"optim.epochs": 2, "data.train_clips": 5})
    run = Run.create(tiny.workspace, config)
    stopped: list[object] = []
    for event in told(train(config, run, tiny.workspace, should_stop=lambda ended=stopped: bool(ended)), run):
        if event.type == "training_started":
            assert event.train_clips < 9
        stopped.extend([event] if event.type == "epoch" else [])
    assert len(stopped) == 1
    again = run_all(run.config, run, tiny.workspace)
    assert [event.epoch for event in again if event.type == "epoch"] == [2]
