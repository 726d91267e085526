"""What a form for a run at work holds, and which advice still stands. Nothing is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labcore.config import RunConfig
from labcore.events import Advice, RunQueued, SettingsChanged
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.training.pending import EVERYDAY, PendingSettings, finished_after, live_settings, open_advice, usual_rest
from labcore.workspace import Workspace

DROPOUT, MIXUP = "model.dropout", "augment.mixup"


@pytest.fixture
def run(tmp_path) -> Run:
    made = Run.create(Workspace(tmp_path), RunConfig().replace({"optim.epochs": 9}))
    made.append(RunQueued())
    return made


def test_everyday_settings_come_first():
    assert tuple(setting.path for setting in live_settings()[: len(EVERYDAY)]) == EVERYDAY
    assert all(setting.live for setting in live_settings())


def test_a_form_keeps_what_it_changed_and_follows_what_others_changed(run):
    pending = PendingSettings()
    pending.look(run)
    assert (pending.changes, pending.undone, pending.asked) == ({}, {}, {})
    pending.values[DROPOUT] = 0.5
    run.append(SettingsChanged(epoch=2, number=0, changes={MIXUP: 0.3}, by="file"))
    pending.look(run)
    assert pending.changes == {DROPOUT: 0.5}
    assert (pending.values[MIXUP], pending.generations[MIXUP], pending.generations[DROPOUT]) == (0.3, 1, 0)
    assert pending.undone == {MIXUP: run.config.value(MIXUP)}


def test_what_was_asked_for_is_no_change_any_more_and_can_be_undone(run):
    pending = PendingSettings()
    pending.look(run)
    pending.values[DROPOUT] = 0.5
    run.override(pending.changes)
    pending.look(run)
    assert (pending.changes, pending.asked) == ({}, {DROPOUT: 0.5})
    assert pending.counts.value(DROPOUT) == run.config.value(DROPOUT)
    assert pending.undone == {DROPOUT: run.config.value(DROPOUT)}


def test_advice_stands_until_it_is_followed_asked_for_or_put_aside(run):
    run.append(Advice(epoch=3, message="The gap widens", changes={DROPOUT: 0.4}))
    events = run.events()
    assert open_advice(run, events) == events[-1]
    assert open_advice(run, events, put_aside=3) is None
    before, after = (SettingsChanged(epoch=epoch, number=0, changes={DROPOUT: 0.4}, by="page") for epoch in (3, 4))
    assert open_advice(run, [*events, before]) is not None
    assert open_advice(run, [*events, after]) is None
    run.override({DROPOUT: 0.3})
    assert open_advice(run, events) is None


def test_a_run_that_is_to_finish_early_has_a_tenth_of_its_epochs_left():
    status = JobStatus(state="stopped", epoch=50, epochs=160)
    assert usual_rest(status) == 16
    assert finished_after(status, 16) == {"optim.epochs": 66}
    at_work = replace(status, state="running")
    assert finished_after(at_work, 16) == {"optim.epochs": 67}  # the epoch at work goes on as it began
    assert usual_rest(replace(status, epoch=155)) == 5
    assert finished_after(replace(at_work, epoch=155), 5) == {"optim.epochs": 160}
