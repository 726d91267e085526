"""Settings changed while a run trains: what counts when, and what is told of it."""

from __future__ import annotations

import json

import pytest
import soundfile
import torch
from torch import nn

from labcore.config import live_config
from labcore.errors import ConfigError, RunError
from labcore.events import Epoch, Log, SettingsChanged, TrainingStarted
from labcore.models.dropout import Dropout
from labcore.runs import Run
from labcore.training.distributed import SINGLE_PROCESS
from labcore.training.live_settings import LiveSettings
from labcore.training.loop import train
from labcore.training.prepare import prepare
from labcore.training.trainer import Trainer

EVERYTHING = {
    "augment.time_shift_seconds": 0.05,
    "augment.time_scale": 0.4,
    "augment.speed": 0.1,
    "augment.pitch_semitones": 2,
    "augment.equaliser_db": 3,
    "augment.gain_db": 0,
    "augment.reverb": 0.3,
    "augment.noise": 0.3,
    "augment.mixup": 0.5,
    "augment.time_mask": 0.3,
    "augment.freq_mask": 0.3,
    "augment.masks": 2,
    "model.dropout": 0.6,
    "optim.lr_factor": 0.5,
    "optim.label_smoothing": 0.1,
}


def make(tiny, changes=None):
    config = tiny.config.replace(changes or {})
    return config, Run.create(tiny.workspace, config)


def write(run, *lines):
    with (run.path / "overrides.jsonl").open("a") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


def go(config, run, workspace, until=None):
    """Train, appending events as a worker does, until an epoch's event or the end."""
    events = []
    stop = []
    for event in train(config, run, workspace, lambda: bool(stop)):
        run.append(event)
        events.append(event)
        if isinstance(event, Epoch) and event.epoch == until:
            stop.append(True)
    return events


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def trainer_of(config, run, workspace):
    steps = prepare(config, run, workspace, lambda: False)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return Trainer(stop.value)


def test_wishes_are_taken_when_their_epoch_begins(tiny):
    config, run = make(tiny)
    write(run, {"model.dropout": 0.4, "epoch": 3, "by": "page"}, {"optim.lr_factor": 0.5})
    run.override({"augment.masks": 2}, by="command", epoch=2, reason="to see")
    events = go(config, run, tiny.workspace)
    told = of(SettingsChanged, events)
    assert [(event.epoch, event.number, event.changes) for event in told] == [
        (1, 1, {"optim.lr_factor": 0.5}),
        (2, 2, {"augment.masks": 2}),
        (3, 0, {"model.dropout": 0.4}),
    ]
    assert [(event.by, event.reason) for event in told] == [("file", ""), ("command", "to see"), ("page", "")]
    marks = [(event.type, event.epoch) for event in events if isinstance(event, SettingsChanged | Epoch)]
    assert marks == [
        ("settings_changed", 1),
        ("epoch", 1),
        ("settings_changed", 2),
        ("epoch", 2),
        ("settings_changed", 3),
        ("epoch", 3),
        ("epoch", 4),
    ]
    assert run.config.model.dropout == config.model.dropout
    assert live_config(run.config, run.events()).model.dropout == 0.4
    assert live_config(run.config, run.events(), epoch=2).model.dropout == config.model.dropout


def test_what_is_turned_reaches_network_and_augmentation(tiny):
    config, run = make(tiny)
    trainer = trainer_of(config, run, tiny.workspace)
    assert trainer.session.pipeline.on_mels
    trainer.steps_of_epoch()
    mels = trainer.images(trainer.session.train_rows[:4])[0].shape
    trainer.reconfigure(trainer.config.replace_live(EVERYTHING))
    dropout = [module.share for module in trainer.network.modules() if isinstance(module, Dropout)]
    assert dropout == pytest.approx([0.6])
    session, pipeline = trainer.session, trainer.session.pipeline
    assert [type(step).__name__ for step in pipeline.chain.on_waveform] == ["Reverb", "AddNoise"]
    assert [type(step).__name__ for step in pipeline.chain.on_power] == [
        "Speed", "TimeScale", "PitchShift", "Equaliser",
    ]  # fmt: skip
    assert pipeline.chain.on_log_mel[0].count == 2
    assert pipeline.source is pipeline.waves
    assert pipeline.shift == round(0.05 * 8000 * (pipeline.frames * pipeline.log_mel.hop_length / 8000 / 4) ** 2) == 7
    trainer.steps_of_epoch()
    assert trainer.images(session.train_rows[:4])[0].shape == mels
    trainer.step(0)
    trainer.reconfigure(trainer.config.replace_live({"augment.noise": 0, "augment.reverb": 0}))
    assert pipeline.source is pipeline.mels


def test_a_network_of_timm_is_turned_too():
    from labcore.models.dropout import set_dropout

    network = nn.Sequential(nn.Dropout(0.1), nn.Linear(2, 2))
    network.drop_rate = 0.1
    set_dropout(network, 0.5)
    assert (network[0].p, network.drop_rate) == (0.5, 0.5)


def test_the_factor_multiplies_the_rate_and_leaves_the_schedule_alone(tiny):
    changes = {"optim.schedule": "cosine"}  # works out a rate from the one before
    config, plain = make(tiny, changes)
    _, turned = make(tiny, changes)
    turned.override({"optim.lr_factor": 0.5}, epoch=2)
    turned.override({"optim.lr_factor": 1.0}, epoch=4)
    expected, heard = (of(Epoch, go(config, run, tiny.workspace)) for run in (plain, turned))
    factors = [ours.lr / theirs.lr for ours, theirs in zip(heard, expected, strict=True) if theirs.lr]
    assert factors == pytest.approx([1, 0.5, 0.5, 1][: len(factors)])
    assert heard[0].train_loss == expected[0].train_loss
    assert heard[1].train_loss != expected[1].train_loss


def test_a_resumed_run_replays_its_turns(tiny):
    config, whole = make(tiny)
    _, parts = make(tiny)
    for run in (whole, parts):
        run.override(EVERYTHING, epoch=2)
        run.override({"augment.noise": 0, "augment.reverb": 0, "model.dropout": 0.1, "optim.lr_factor": 2}, epoch=3)
    expected = of(Epoch, go(config, whole, tiny.workspace))
    first = go(config, parts, tiny.workspace, until=2)
    second = go(parts.config, parts, tiny.workspace)
    assert [event.number for event in of(SettingsChanged, first)] == [0, 1]  # stopped in the first step of epoch 3
    assert not of(SettingsChanged, second)
    for ours, theirs in zip(of(Epoch, first) + of(Epoch, second), expected, strict=True):
        assert (ours.train_loss, ours.val_loss, ours.lr) == (theirs.train_loss, theirs.val_loss, theirs.lr)
    assert parts.weights.read_bytes() == whole.weights.read_bytes()


def test_a_run_that_finishes_early_goes_its_whole_way_also_when_it_stops_on_it(tiny):
    changes = {"optim.epochs": 40, "optim.averaging": 0.2, "optim.batch_size": 8, "augment.plain_share": 0.2}
    config, whole = make(tiny, changes)
    _, parts = make(tiny, changes)
    for run in (whole, parts):
        run.override({"optim.epochs": 12}, epoch=3)
    expected = of(Epoch, go(config, whole, tiny.workspace))
    assert [event.epochs for event in expected] == [40, 40, *[12] * 10]
    rates = [event.lr for event in expected]
    assert max(rates) > 5 * rates[1]
    assert rates[-1] < 0.02 * max(rates)
    assert [event.epoch for event in expected if event.averaged] == [10, 11, 12]  # epoch 10 ends at 32.4 of 40
    first = go(config, parts, tiny.workspace, until=5)
    second = go(parts.config, parts, tiny.workspace)
    for ours, theirs in zip(of(Epoch, first) + of(Epoch, second), expected, strict=True):
        assert (ours.train_loss, ours.lr, ours.epochs) == (theirs.train_loss, theirs.lr, theirs.epochs)
    assert of(TrainingStarted, second)[0].epochs == parts.status().epochs == 12
    assert parts.weights.read_bytes() == whole.weights.read_bytes()
    parts.weights.unlink()  # killed after its last epoch
    events = go(parts.config, parts, tiny.workspace)
    assert not of(Epoch, events)
    assert parts.weights.read_bytes() == whole.weights.read_bytes()


def test_a_run_cannot_end_before_the_epoch_that_begins(tiny):
    config, run = make(tiny)
    write(run, {"optim.epochs": 2})
    events = list(LiveSettings(run, config).begin(3, lambda config: None, SINGLE_PROCESS))
    assert [event.message for event in events] == [
        "line 1 of overrides.jsonl is ignored: epoch 3 begins, and it asks for 2 epochs in all. Ask for more."
    ]
    go(config, run, tiny.workspace, until=2)
    with pytest.raises(ConfigError, match=r"2 epochs of run .* are done"):
        run.override({"optim.epochs": 2})


def test_a_turn_that_was_told_counts_again_when_its_epoch_is_repeated(tiny):
    config, run = make(tiny)
    trainer = trainer_of(config, run, tiny.workspace)
    base = trainer.config
    run.override({"model.dropout": 0.7})
    for event in LiveSettings(run, base).begin(3, trainer.reconfigure, SINGLE_PROCESS):
        run.append(event)  # and killed before the first step
    run.override({"augment.gain_db": 1})
    again = LiveSettings(run, base)
    assert again.counting(2).model.dropout == config.model.dropout
    seen = []
    assert [event.number for event in again.begin(3, seen.append, SINGLE_PROCESS)] == [1]
    assert (seen[-1].model.dropout, seen[-1].augment.gain_db) == (0.7, 1)


def test_wrong_lines_are_told_once_and_ignored(tiny):
    config, run = make(tiny)
    wrong = (
        "no json",
        "[1]",
        {"model.width": 2},
        {"model.dropout": 7},
        {"nothing.there": 1},
        {"epoch": 2},
        {"model.dropout": 0.1, "epoch": 99},
        "",
    )
    write(run, *wrong, {"model.dropout": 0.3})
    with (run.path / "overrides.jsonl").open("a") as file:
        file.write('{"model.dro')  # still being written
    turns = LiveSettings(run, config)
    events = [
        *turns.begin(1, lambda config: None, SINGLE_PROCESS),
        *turns.begin(2, lambda config: None, SINGLE_PROCESS),
    ]
    warnings = of(Log, events)
    assert [warning.message.partition(" is ignored: ")[0] for warning in warnings] == [
        f"line {number} of overrides.jsonl" for number in range(1, 8)
    ]
    assert {warning.level for warning in warnings} == {"warning"}
    assert "cannot be changed while a run trains" in warnings[2].message
    assert [event.number for event in of(SettingsChanged, events)] == [8]
    for event in events:
        run.append(event)
    assert not list(LiveSettings(run, config).begin(2, lambda config: None, SINGLE_PROCESS))


def test_a_line_that_was_edited_is_a_new_wish(tiny):
    config, run = make(tiny)
    turns = LiveSettings(run, config)
    file = run.path / "overrides.jsonl"
    file.write_text('{"model.dropout": 0.3}')  # no end of line, as some editors leave it
    assert [event.changes for event in turns.begin(1, lambda config: None, SINGLE_PROCESS)] == [{"model.dropout": 0.3}]
    file.write_text('{"model.dropout": 0.5}\n')
    assert [event.changes for event in turns.begin(2, lambda config: None, SINGLE_PROCESS)] == [{"model.dropout": 0.5}]
    assert not list(turns.begin(3, lambda config: None, SINGLE_PROCESS))


def test_noise_that_cannot_be_read_is_ignored(tiny, tmp_path):
    missing = tmp_path / "rain.wav"
    config, run = make(tiny, {"augment.noise_file": str(missing), "optim.epochs": 2})
    run.override({"augment.noise": 0.5})
    events = go(config, run, tiny.workspace)
    assert not of(SettingsChanged, events)
    assert any("rain.wav" in log.message for log in of(Log, events) if log.level == "warning")
    assert len(of(Epoch, events)) == 2


def test_recorded_noise_can_be_turned_on(tiny, tmp_path):
    soundfile.write(tmp_path / "rain.wav", torch.rand(800).numpy() - 0.5, 8000)
    config, run = make(tiny, {"augment.noise_file": str(tmp_path / "rain.wav"), "optim.epochs": 2})
    trainer = trainer_of(config, run, tiny.workspace)
    trainer.reconfigure(trainer.config.replace_live({"augment.noise": 0.5}))
    assert len(trainer.session.pipeline.chain.on_waveform[0].recording) == 800


def test_only_what_can_be_turned_is_wished_for(tiny):
    config, run = make(tiny)
    for changes, named in (
        ({"optim.budget": 900}, "cannot be changed"),
        ({"optim.epochs": None}, "cannot become automatic"),
        ({"model.dropout": 3}, "dropout"),
        ({"a.b": 1}, "no setting"),
    ):
        with pytest.raises(ConfigError, match=named):
            run.override(changes)
    assert not (run.path / "overrides.jsonl").exists()
    go(config, run, tiny.workspace)
    from labcore.events import RunFinished

    run.append(RunFinished(state="finished"))
    with pytest.raises(RunError, match="finished"):
        run.override({"model.dropout": 0.3})
