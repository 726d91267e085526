from __future__ import annotations

import numpy as np
import pytest

from labcore.audio.waveforms import window_bounds
from labcore.events import Epoch, Log
from labcore.runs import Run
from labcore.training import watching
from labcore.training.loop import train
from labcore.training.prepare import prepare
from labcore.training.watching import (
    FEWEST,
    evaluated_every,
    evaluations,
    is_evaluated,
    most_watched,
    watched_of,
    windows_of,
)
from tests.training.outcome import outcome


def test_few_clips_are_all_watched():
    rows = np.arange(50, 450)
    assert watched_of(rows, np.zeros(400, int), most_watched(10, np.full(400, 5.0), 5.0)) is rows


def test_of_many_clips_each_class_keeps_its_share_and_a_rare_one_a_clip():
    strata = np.array([0] * 600 + [1] * 399 + [2])
    kept = watched_of(np.arange(1000, 2000), strata, 100)
    assert np.bincount(strata[kept - 1000]).tolist() == [60, 40, 1]
    assert (np.diff(kept) > 0).all()
    assert watched_of(np.arange(1000, 2000), strata, 100).tolist() == kept.tolist()


def test_long_clips_count_by_their_windows_and_large_sets_for_a_quarter():
    assert most_watched(8000, np.full(9, 5.0), 5.0) == 2000
    assert most_watched(8000, np.full(9, 30.0), 10.0) == pytest.approx(2000 / 5)  # they overlap by half
    assert most_watched(320, np.full(9, 1.0), 5.0) == FEWEST
    assert most_watched(320, np.zeros(0), 5.0) == FEWEST


def test_a_run_of_many_held_out_clips_watches_some_and_reports_all(tiny, monkeypatch):
    monkeypatch.setattr(watching, "FEWEST", 8)  # windows: each fourth clip has three
    run = Run.create(tiny.workspace, tiny.config)
    told, session = outcome(prepare(tiny.config, run, tiny.workspace, lambda: False))
    assert any("evaluated on 6 of the 12 test clips" in event.message for event in told if isinstance(event, Log))
    assert session.watched.windows.clips == len(session.watched_targets) == 6
    assert np.bincount(session.watched_targets).tolist() == [2, 2, 2]
    assert session.held_out.windows.clips == 12


def test_a_run_tells_of_how_many_windows_an_evaluation_is(tiny):
    config = tiny.config.replace({"audio.clip_seconds": 0.3})
    run = Run.create(tiny.workspace, config)
    told, session = outcome(prepare(config, run, tiny.workspace, lambda: False))
    assert told[-1].watched_windows == len(session.watched.windows) > session.watched.windows.clips


@pytest.mark.parametrize(
    ("trained", "windows", "epochs", "every"),
    [
        (320, 80, 320, 1),
        (320, 183, 320, 2),
        (29, 80, 400, 5),
        (14, 80, 640, 10),
        (14, 80, 100, 5),
        (14, 80, 5, 1),
        (0, 9, 40, 2),
    ],
)
def test_beside_few_training_clips_not_every_epoch_is_evaluated(trained, windows, epochs, every):
    assert evaluated_every(trained, windows, epochs) == every


def test_the_first_epoch_the_last_and_every_so_many_between_are_evaluated():
    assert [epoch for epoch in range(1, 12) if is_evaluated(epoch, 4, 11)] == [1, 4, 8, 11]
    assert (evaluations(4, 11), evaluations(1, 11), evaluations(4, 12)) == (4, 11, 4)


def test_windows_of_clips():
    lengths, rate = np.array([0.5, 5.0, 5.001, 5.049, 5.06, 7.5, 7.549, 7.56, 10.0, 12.0, 30.0]), 1000
    real = [len(window_bounds(round(length * rate), 5 * rate, 5 * rate // 2)) for length in lengths]
    assert windows_of(lengths, 5.0).tolist() == real == [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 11]


def test_a_run_of_few_clips_repeats_its_figures_between_and_goes_on_as_if_never_stopped(tiny, monkeypatch):
    monkeypatch.setattr(watching, "FEWEST_POINTS", 2)
    config = tiny.config.replace({"data.train_recordings": 2, "optim.epochs": 9})
    whole, broken = (Run.create(tiny.workspace, config) for _ in range(2))
    told = list(train(config, whole, tiny.workspace))
    assert sum("evaluated every 4 epochs" in event.message for event in told if isinstance(event, Log)) == 1
    epochs = [event for event in told if isinstance(event, Epoch)]
    assert [event.epoch for event in epochs if event.evaluated] == [1, 4, 8, 9]
    before = epochs[0]
    for event in epochs:
        before = event if event.evaluated else before
        assert (event.val_loss, event.val_accuracy) == (before.val_loss, before.val_accuracy)
    assert epochs[3].val_loss != epochs[0].val_loss

    done: list[Epoch] = []
    for event in train(config, broken, tiny.workspace, lambda: len(done) >= 5):
        broken.append(event)
        if isinstance(event, Epoch):
            done.append(event)
    assert len(done) == 5
    done += [event for event in train(broken.config, broken, tiny.workspace) if isinstance(event, Epoch)]
    figures = ("epoch", "evaluated", "train_loss", "val_loss", "val_accuracy")
    of_both = [[tuple(getattr(event, name) for name in figures) for event in events] for events in (epochs, done)]
    assert of_both[0] == of_both[1]
