"""``labcore crossval``: with ``--json`` a line an event of every fold's run, each once, with whose it is; and with ``--more``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.cli.crossval import watched
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.events import Log, RunStarted
from labcore.jobs.executors import ThreadChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.runs import list_runs
from labcore.workspace import Workspace


def test_each_event_of_each_fold_is_told_once(workspace: Workspace, tones: Path, capsys) -> None:
    experiment = CrossValidation.create(workspace, RunConfig().replace({"data.dataset": str(tones)}), queued=False)
    first, second, *_ = experiment.runs()
    first.append(RunStarted(run_id=first.id, run_dir=str(first.path), pid=1, host="here"))

    looks = watched(experiment, as_json=True)
    next(looks)
    begin, line = map(json.loads, capsys.readouterr().out.splitlines())
    assert (begin["type"], begin["experiment_id"]) == ("experiment_started", experiment.id)
    assert line == first.events()[0].facts() | {"fold": "1", "split": "official"}

    second.append(Log(message="m"))
    next(looks)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["type"], line["message"], line["run_id"], line["fold"]) == ("log", "m", second.id, "2")
    next(looks)
    assert capsys.readouterr().out == ""


def test_one_fold_is_no_flag_of_a_cross_validation(labcore, workspace):
    told = labcore("crossval", "--fold", "2", "--folds", "1", "2")
    assert told.status == 2
    assert "there is no flag --fold; did you mean --folds?" in told.err
    assert "--fold FOLD" not in labcore("crossval", "--help").out


@pytest.fixture
def begun(workspace: Workspace, labcore: Callable[..., Any], tones: Path, tiny: tuple[str, ...]) -> CrossValidation:
    """One of two folds of six epochs, the first of which was stopped after two."""
    assert labcore("train", "--dataset", tones, "--epochs", 1, *tiny).status == 0
    config = list_runs(workspace)[0].config.replace({"optim.epochs": 6})
    experiment = CrossValidation.create(workspace, config, folds=["1", "2"], queued=False)
    first = experiment.members()["1"]
    work(first, lambda: len(first.epochs()) >= 2)
    return experiment


def test_a_stopped_one_goes_on_and_finishes_early(
    begun: CrossValidation, labcore: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("labcore.jobs.manager.JobManager", lambda workspace: JobManager(workspace, ThreadChild, 0.02))
    told = labcore("crossval", "--resume", begun.id, "--more", 2)
    assert told.status == 0, told.err
    assert "Fold 1 ends after epoch 4; fold 2, which has not begun, trains 4 epochs" in told.err
    note = "Finished early: folds 1, 2 after 4 of 6 epochs."
    assert note in told.out
    folds = summarise(begun).official.folds
    assert [(fold.state, fold.epoch, fold.epochs, fold.planned) for fold in folds] == [("finished", 4, 4, 6)] * 2
    assert [fold.adjusted for fold in folds] == [1, 0], "nobody had seen a curve of the second"
    first, second = ([epoch.lr for epoch in run.epochs()] for run in begun.runs())
    assert second[-1] < 0.2 * max(second), "the learning rate fell to its end"
    assert first[-1] < 0.2 * max(first)

    assert note in labcore("crossval", "--show", begun.id).out
    assert " % (finished early)  " in labcore("crossval", "--list").out
    assert labcore("runs", "list").out.count(" % (finished early)  ") == 3, "the folds, and what they are together"
    assert labcore("runs", "report", begun.id, "--output", tmp_path / "cv.md").status == 0
    report = (tmp_path / "cv.md").read_text()
    assert report.count(note) == 2, "at its head, and in its methods"
    assert "| 4 of 6 |" in report
    told = labcore("crossval", "--resume", begun.id, "--more", 1)
    assert (told.status, f"no fold of cross-validation {begun.id} is left" in told.err) == (2, True)


def test_one_that_runs_is_told_and_not_followed(begun: CrossValidation, labcore: Callable[..., Any]) -> None:
    first, second = begun.runs()
    with first.hold():
        first.append(first.started())
        told = labcore("crossval", "--resume", begun.id, "--more", 1, "--json")
    assert told.status == 0
    (facts,) = told.lines
    assert [(fold["epochs"], fold["planned"]) for fold in facts["official"]["folds"]] == [(4, 6), (4, 6)]
    assert json.loads(second.overrides.read_text())["optim.epochs"] == 4
    assert "trains 4 epochs" in told.err


def test_more_epochs_are_of_one_that_is_named(workspace: Workspace, labcore: Callable[..., Any]) -> None:
    told = labcore("crossval", "--more", 3)
    assert (told.status, "--more is only for --resume" in told.err) == (2, True)
