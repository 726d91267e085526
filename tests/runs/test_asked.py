"""What was asked for stays known beside what the lab worked out of it."""

from __future__ import annotations

import shlex

import pytest

from labcore.config import RunConfig
from labcore.events import SettingsChanged
from labcore.export import again
from labcore.runs import Run
from labcore.runs.asked import asked_for, live_changes_of, save_worked_out
from labcore.workspace import Workspace

WORKED_OUT = {
    "data.fold": "1", "data.train_clips": 2000, "data.validation_share": 0.1, "audio.clip_seconds": 5.0, "optim.epochs": 26,
    "features.n_fft": 1024, "features.win_length": 1024, "features.hop_length": 512,
}  # fmt: skip


@pytest.mark.parametrize("own", [{}, {"optim.epochs": 26}, {"audio.clip_seconds": 5.0, "optim.lr": 0.05}])
def test_what_was_automatic_is_automatic_again(tmp_path, own):
    asked = RunConfig().replace({"runtime.advisor": "apply", **own})
    run = Run.create(Workspace(tmp_path), asked)
    assert asked_for(run) == asked
    save_worked_out(run, asked, asked.replace(WORKED_OUT))
    assert run.config == asked.replace(WORKED_OUT)
    assert asked_for(run) == asked


def test_a_resumed_run_keeps_what_was_asked_for_and_what_a_person_changed_since(tmp_path):
    run = Run.create(Workspace(tmp_path), RunConfig())
    save_worked_out(run, RunConfig(), RunConfig().replace(WORKED_OUT))
    run.save_config(run.config.replace({"runtime.micro_batch": 8, "data.dataset": "elsewhere"}))
    save_worked_out(run, run.config, run.config)
    assert asked_for(run) == RunConfig().replace({"runtime.micro_batch": 8, "data.dataset": "elsewhere"})


def test_the_command_line_asks_for_the_same_and_turns_the_same(tmp_path):
    from labcore.cli import train

    asked = RunConfig().replace({"model.dropout": 0.3})
    run = Run.create(Workspace(tmp_path), asked)
    save_worked_out(run, asked, asked.replace(WORKED_OUT))
    run.append(SettingsChanged(epoch=5, number=0, changes={"model.dropout": 0.4}, by="page"))
    run.append(
        SettingsChanged(epoch=5, number=0, changes={"model.dropout": 0.4}, by="page")
    )  # told again after a resume
    run.append(SettingsChanged(epoch=7, number=1, changes={"augment.mixup": 0.5, "augment.masks": 2}, by="command"))
    run.append(SettingsChanged(epoch=9, number=2, changes={"model.dropout": 0.6}, by="lab"))
    line = again(run)
    words = shlex.split(line)
    assert words[:2] == ["labcore", "train"]
    assert "--epochs" not in words
    arguments = train.parser().parse_args(words[2:])
    config = train.config_from(arguments)
    assert config == asked
    turns = {5: {"model.dropout": 0.4}, 7: {"augment.mixup": 0.5, "augment.masks": 2}}
    assert train.read_changes(arguments.set, config) == turns == live_changes_of(run.events())
