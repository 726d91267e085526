"""Training from pretrained weights: loaded once, the head first, the body at a rate of its own, resumed bit for bit."""

import pytest
import torch

from labcore.datasets.learnt import learnt_by
from labcore.datasets.registry import find_dataset
from labcore.errors import ConfigError
from labcore.events import Epoch, Evaluated, Log, TrainingStarted, each_of
from labcore.inference.classifier import Classifier
from labcore.models.pretrained import head_names
from labcore.runs import Run
from labcore.training.checkpoint import take_up
from labcore.training.loop import train
from labcore.training.optimizer import make_optimizer
from labcore.training.schedule import make_schedule


def run_all(config, run, workspace, until=None):
    events = []
    for event in train(config, run, workspace):
        run.append(event)
        events.append(event)
        if isinstance(event, Epoch) and event.epoch == until:
            break
    return events


@pytest.fixture(scope="module")
def donor(tiny):
    """A finished run of the same network."""
    run = Run.create(tiny.workspace, tiny.config)
    run_all(tiny.config.replace({"optim.epochs": 1}), run, tiny.workspace)
    return run


def test_only_the_head_learns_at_first(tiny, donor):
    config = tiny.config.replace(
        {"model.pretrained": donor.id, "model.freeze_epochs": 1, "optim.epochs": 2, "optim.averaging": 0}
    )
    run = Run.create(tiny.workspace, config)
    events = run_all(config, run, tiny.workspace, until=1)
    assert any("tensors loaded" in event.message for event in events if isinstance(event, Log))
    before, network = Classifier.load(donor.path).network, take_up(run)[0]["network"]
    head = head_names(before)
    moved = {name for name, value in before.named_parameters() if not torch.equal(value, network[name])}
    assert moved == head
    # no file is needed to go on, and the body learns from here
    donor.weights.rename(donor.weights.with_suffix(".away"))
    try:
        run_all(run.config, run, tiny.workspace)
    finally:
        donor.weights.with_suffix(".away").rename(donor.weights)
    after = dict(Classifier.load(run.path).network.named_parameters())
    assert not any(torch.equal(value, after[name]) for name, value in before.named_parameters() if value.dim() > 1)


def test_weights_that_were_trained_on_the_test_fold(tiny, donor):
    """The donor held out fold 1, and so learnt from all of fold 2."""
    config = tiny.config.replace({"model.pretrained": donor.id, "optim.epochs": 1, "data.fold": "2"})
    events = run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    (warning,) = (each.message for each in each_of(events, Log) if each.level == "warning")
    assert "were trained on 12 of the 12 held-out clips: the accuracy is too high" in warning
    (started,), (result,) = each_of(events, TrainingStarted), each_of(events, Evaluated)
    assert started.leaks
    assert (result.leaks, result.trained_on) == (True, 12)
    config = config.replace({"data.fold": "1"})
    events = run_all(config, Run.create(tiny.workspace, config), tiny.workspace)
    assert not any(each.level == "warning" for each in each_of(events, Log))
    (result,) = each_of(events, Evaluated)
    assert (result.leaks, result.trained_on) == (False, 0)


def test_what_weights_had_learnt_is_known_when_their_run_is_gone(tiny, donor):
    config = tiny.config.replace({"model.pretrained": donor.id, "optim.epochs": 2, "data.fold": "2"})
    run, away = Run.create(tiny.workspace, config), donor.path.with_name(".away")
    run_all(config, run, tiny.workspace, until=1)
    donor.path.rename(away)
    try:
        events = run_all(run.config, run, tiny.workspace)
        learnt = learnt_by(run, tiny.workspace)
    finally:
        away.rename(donor.path)
    table = find_dataset(tiny.workspace, tiny.config.data.dataset).table
    assert learnt.among(table).tolist() == [True] * len(table)  # all but fold 2 by itself, and that by its weights
    assert not learnt.lost
    (result,) = each_of(events, Evaluated)
    assert (result.leaks, result.trained_on) == (True, 12)
    assert any(f"run {donor.id}" in each.message for each in each_of(events, Log) if each.level == "warning")


def test_weights_that_are_not_there_stop_the_run_before_its_first_step(tiny):
    config = tiny.config.replace({"model.pretrained": "/no/such/file.safetensors"})
    with pytest.raises(ConfigError, match="there are no weights"):
        run_all(config, Run.create(tiny.workspace, config), tiny.workspace)


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_body_follows_the_schedule_at_its_share_of_the_rate(tiny, schedule, optimizer):
    config = tiny.config.replace({"optim.body_lr": 0.1, "optim.schedule": schedule, "optim.optimizer": optimizer})
    network = Classifier(config, ["a", "b"]).network
    made = make_optimizer(config.optim, network)
    moves = make_schedule(schedule, made, 4 * 5)
    head, body = made.param_groups
    assert sum(p.numel() for p in head["params"] + body["params"]) == sum(p.numel() for p in network.parameters())
    assert len(head["params"]) == 2
    for _ in range(4 * 5):
        assert body["lr"] == pytest.approx(0.1 * head["lr"], rel=1e-6, abs=1e-12)
        made.step()
        moves.step()


def test_two_rates_survive_a_stop(tiny):
    config = tiny.config.replace({"optim.body_lr": 0.2, "optim.epochs": 3})
    whole, parts = (Run.create(tiny.workspace, config) for _ in range(2))
    run_all(config, whole, tiny.workspace)
    run_all(config, parts, tiny.workspace, until=1)
    run_all(parts.config, parts, tiny.workspace)
    ours, theirs = Classifier.load(parts.path).state_dict(), Classifier.load(whole.path).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
