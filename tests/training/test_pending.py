"""What a form for a run at work holds, and which advice still stands. Nothing is trained."""

from __future__ import annotations

import json

import pytest

from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.events import Advice, RunQueued, SettingsChanged
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.training.pending import EVERYDAY, PendingSettings, finish_early, live_settings, open_advice, usual_rest
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


@pytest.mark.parametrize(
    ("state", "done", "more", "ends"), [("stopped", 50, 16, 66), ("running", 50, 16, 67), ("running", 155, 9, 160)]
)
def test_a_run_finishes_after_so_many_epochs_more(run, monkeypatch, state, done, more, ends):
    monkeypatch.setattr(Run, "status", lambda self: JobStatus(state=state, epoch=done, epochs=160))
    finish_early(run, more, by="command")
    assert json.loads(run.overrides.read_text())["optim.epochs"] == ends  # an epoch at work goes on as it began


def test_one_that_never_began_has_so_many_in_all_and_none_is_refused(run):
    finish_early(run, 3, by="command")
    assert json.loads(run.overrides.read_text())["optim.epochs"] == 3 + run.status().active
    with pytest.raises(ConfigError):
        finish_early(run, -1, by="command")


def test_a_tenth_of_the_epochs_is_usually_left():
    assert usual_rest(JobStatus(state="stopped", epoch=50, epochs=160)) == 16
    assert usual_rest(JobStatus(state="stopped", epoch=155, epochs=160)) == 5
