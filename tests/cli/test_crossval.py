"""``labcore crossval --json``: a line an event of every fold's run, each once, with whose it is."""

from __future__ import annotations

import json
from pathlib import Path

from labcore.cli.crossval import watched
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.events import Log, RunStarted
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
