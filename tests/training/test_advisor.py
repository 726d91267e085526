"""Overfitting: when it is noticed, what is suggested, and that turning by itself looks at validation clips only."""

from __future__ import annotations

import math

import pytest

from labcore.config import RunConfig
from labcore.events import Advice, Epoch, Log, SettingsChanged, TrainingStarted
from labcore.runs import Run
from labcore.training import advisor
from labcore.training.advisor import advise, remedies
from labcore.training.loop import train

CONFIG = RunConfig().replace({"optim.epochs": 100})


def curves(number, **functions):
    """Epoch events: each figure a function of the epoch."""
    usual = {
        "train_loss": lambda epoch: 0.1 + 2 * math.exp(-epoch / 15),
        "val_loss": lambda epoch: 0.5 + 2 * math.exp(-epoch / 15),
        "train_accuracy": lambda epoch: 1 - 0.9 * math.exp(-epoch / 15),
        "val_accuracy": lambda epoch: 0.95 - 0.85 * math.exp(-epoch / 15),
        "lr": lambda epoch: 0.1,
    }
    rest = {"epochs": 100, "clips_per_second": 9.0, "seconds": 1.0, "seconds_left": 3.0, "averaged": False}
    return [
        Epoch(epoch=epoch, **{name: make(epoch) for name, make in (usual | functions).items()}, **rest)
        for epoch in range(1, number + 1)
    ]


def rising(epoch):
    return 0.5 + abs(epoch - 30) / 40 + 0.03 * math.sin(7 * epoch)


def stuck(epoch):
    return min(0.7, epoch / 40)


OVERFITTING = {"val_loss": rising, "val_accuracy": stuck, "train_accuracy": lambda epoch: 0.8}


def test_a_rising_loss_is_noticed_and_told_in_figures():
    told = [advise(CONFIG, curves(number, **OVERFITTING)) for number in range(1, 101)]
    first = next(number for number, advice in enumerate(told, 1) if advice)
    assert 40 <= first <= 60
    assert "has risen from 0.5" in told[first - 1].message
    assert told[first - 1].epoch == first
    assert told[first - 1].changes == {
        "model.dropout": 0.35, "augment.time_mask": 0.2, "augment.freq_mask": 0.2, "optim.label_smoothing": 0.1,
    }  # fmt: skip
    assert told[89]
    assert not any(told[90:]), "too late for a turn to work"


def test_a_lasting_gap_is_noticed_where_the_loss_does_not_rise():
    events = curves(60, val_accuracy=stuck)
    advice = advise(CONFIG, events)
    assert advice
    assert "70 %" in advice.message


@pytest.mark.parametrize(
    "functions",
    [
        {},
        # mixing: training figures far worse than the others
        {"train_accuracy": lambda epoch: 0.5, "train_loss": lambda epoch: 1.2 + math.exp(-epoch / 15)},
        # up and down, as with high learning rates
        {
            "val_loss": lambda epoch: 1 + 0.8 * math.sin(epoch),
            "val_accuracy": lambda epoch: 0.6 + 0.2 * math.sin(epoch),
            "train_accuracy": lambda epoch: 0.8,
        },
        # the loss rises, and with it the accuracy: only too sure of itself
        {"val_loss": rising, "val_accuracy": lambda epoch: 0.3 + epoch / 200, "train_accuracy": lambda epoch: 0.6},
        # the loss rises while the learning rate does
        {"val_loss": rising, "val_accuracy": stuck, "train_accuracy": stuck, "lr": lambda epoch: epoch / 100},
        # nothing is learned at all
        {"val_loss": rising, "val_accuracy": stuck, "train_accuracy": stuck, "train_loss": lambda epoch: 2.0},
    ],
    ids=["fine", "mixing", "noisy", "sure", "warming up", "lost"],
)
def test_what_is_no_overfitting(functions):
    assert not any(advise(CONFIG, curves(number, **functions)) for number in range(1, 101))


def test_silence_after_a_turn_and_after_advice():
    events = curves(60, **OVERFITTING)
    first = advise(CONFIG, events)
    assert advise(CONFIG, events, changed=[45]) is None
    assert advise(CONFIG, events, changed=[35])
    told = Advice(epoch=30, message="", changes=first.changes)
    assert advise(CONFIG, events, told=[told]) is None, "the same again"
    followed = CONFIG.replace(first.changes)
    assert advise(followed, events, told=[told])
    assert advise(followed, events, told=[told.model_copy(update={"epoch": 45})]) is None


def test_a_high_accuracy_needs_no_advice_whatever_the_losses_do():
    assert advise(CONFIG, curves(60, **OVERFITTING | {"val_accuracy": lambda epoch: min(0.85, epoch / 30)}))
    assert advise(CONFIG, curves(60, **OVERFITTING | {"val_accuracy": lambda epoch: min(0.95, epoch / 30)})) is None


def test_few_clips_tell_nothing():
    assert advise(CONFIG, curves(60, **OVERFITTING), clips=advisor.FEWEST_CLIPS)
    assert advise(CONFIG, curves(60, **OVERFITTING), clips=advisor.FEWEST_CLIPS - 1) is None


def test_remedies_end():
    config = CONFIG
    for _ in range(10):
        config = config.replace_live(remedies(config))
    assert remedies(config) == {}
    assert advise(config, curves(60, **OVERFITTING)) is None


def after_two(config, epochs, turned=(), told=(), clips=0):
    """In place of a real look: something is seen after the second epoch."""
    seen = len(epochs) == 2 and not told
    return Advice(epoch=2, message="seen", changes={"model.dropout": 0.5}) if seen else None


def go(config, run, workspace, until=None):
    events, stop = [], []
    for event in train(config, run, workspace, lambda: bool(stop)):
        run.append(event)
        events.append(event)
        if type(event).__name__ == until:
            stop.append(True)
    return events


def test_applied_advice_is_a_turn_and_is_replayed(tiny, monkeypatch):
    monkeypatch.setattr(advisor, "advise", after_two)
    config = tiny.config.replace({"runtime.advisor": "apply", "optim.epochs": 3})
    whole, parts = (Run.create(tiny.workspace, config) for _ in range(2))
    events = go(config, whole, tiny.workspace)
    assert next(event for event in events if isinstance(event, TrainingStarted)).validation_clips > 0
    assert any("set aside for validation" in event.message for event in events if isinstance(event, Log))
    (turn,) = (event for event in events if isinstance(event, SettingsChanged))
    assert (turn.epoch, turn.by, turn.reason, turn.changes) == (3, "lab", "seen", {"model.dropout": 0.5})
    first = go(config, parts, tiny.workspace, until="Advice")
    kept = (parts.path / "events.jsonl").read_text().splitlines(keepends=True)
    dropped = [line for line in kept if '"type": "advice"' not in line and '"type": "settings_changed"' not in line]
    (parts.path / "events.jsonl").write_text("".join(dropped))  # killed after the wish, before it was told of
    second = go(parts.config, parts, tiny.workspace)
    assert [type(event) for event in first if isinstance(event, Advice)] == [Advice]
    assert [event.changes for event in second if isinstance(event, SettingsChanged)] == [{"model.dropout": 0.5}]
    assert len((parts.path / "overrides.jsonl").read_text().splitlines()) == 1
    assert parts.weights.read_bytes() == whole.weights.read_bytes()


@pytest.mark.parametrize("mode", ["off", "suggest"])
def test_nothing_is_turned_unasked(tiny, monkeypatch, mode):
    monkeypatch.setattr(advisor, "advise", after_two)
    config = tiny.config.replace({"runtime.advisor": mode, "optim.epochs": 3})
    run = Run.create(tiny.workspace, config)
    events = go(config, run, tiny.workspace)
    advice = [event for event in events if isinstance(event, Advice)]
    assert len(advice) == (mode == "suggest")
    assert all("these are your test clips" in event.message for event in advice)
    assert not [event for event in events if isinstance(event, SettingsChanged)]
    places = [type(event) for event in events if isinstance(event, Epoch | Advice)]
    if mode == "suggest":
        assert places == [Epoch, Epoch, Advice, Epoch]


def test_figures_that_are_only_repeated_are_not_looked_at():
    config, every = CONFIG.replace({"optim.epochs": 500}), 5

    falling = {"train_loss": lambda epoch: 0.1 + 2 * math.exp(-epoch / 15)}

    def over(epoch):
        return math.ceil(epoch / every)

    slow = {name: lambda epoch, make=make: make(over(epoch)) for name, make in (OVERFITTING | falling).items()}
    events = [event.model_copy(update={"evaluated": event.epoch % every == 0}) for event in curves(500, **slow)]
    usual = [advise(CONFIG, curves(number, **OVERFITTING)) for number in range(1, 101)]
    first = next(number for number, advice in enumerate(usual, 1) if advice)
    told = [advise(config, events[:number]) for number in range(150, 230)]
    assert next(number for number, advice in enumerate(told, 150) if advice) == every * first
    wild = [
        event if event.evaluated else event.model_copy(update={"val_loss": 9.0, "val_accuracy": 0.0})
        for event in events
    ]
    for number in range(210, 230):
        advice, same = advise(config, events[:number]), advise(config, wild[:number])
        assert (advice and advice.message) == (same and same.message)
