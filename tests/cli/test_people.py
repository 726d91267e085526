"""Whose a run is on the command line: named, told in JSON, and left alone where it is another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.events import RunFinished
from labcore.runs import Run, list_runs
from labcore.search.folder import Search
from labcore.search.settings import make_settings
from labcore.search.space import Range
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("ada")


@pytest.fixture
def make(workspace: Workspace) -> Callable[[str], Run]:
    """A run of somebody that waits in the queue."""

    def made(by: str) -> Run:
        return Run.create(workspace, RunConfig(), queued=True, by=by)

    return made


def test_another_persons_run_is_left_alone(make: Callable[[str], Run], labcore: Labcore) -> None:
    mine, bos, nobodys = make("Ada"), make("Bo"), make("")
    commands = (["runs", "stop", mine.id, bos.id], ["runs", "delete", "--yes", bos.id], ["resume", bos.id])
    for words in (*commands, ["set", bos.id, "--dropout", "0.4"]):
        told = labcore(*words)
        assert (told.status, told.out) == (2, ""), words
        assert f"run {bos.id} belongs to Bo, and you are Ada. Add --anyone to" in told.err
        assert len(told.err.splitlines()) == 1
    assert [run.status().state for run in (mine, bos, nobodys)] == ["queued"] * 3  # one refusal leaves all as they are
    assert not (bos.path / "overrides.jsonl").exists()
    assert labcore("runs", "stop", mine.id, nobodys.id).status == 0
    assert mine.status().stopped_by == "Ada"


def test_it_is_not_where_that_is_meant(make: Callable[[str], Run], labcore: Labcore) -> None:
    bos = make("Bo")
    assert labcore("turn", bos.id, "--dropout", "0.4", "--anyone").status == 0
    assert json.loads((bos.path / "overrides.jsonl").read_text()) == {
        "model.dropout": 0.4,
        "by": "command",
        "who": "Ada",
    }
    assert labcore("runs", "stop", bos.id, "--anyone").status == 0
    (facts,) = labcore("runs", "show", bos.id, "--json").lines
    assert (facts["by"], facts["state"], facts["stopped_by"]) == ("Bo", "stopped", "Ada")
    shown = labcore("runs", "show", bos.id).out
    assert "by        Bo" in shown
    assert "stopped by Ada" in shown
    assert labcore("runs", "delete", bos.id, "--yes", "--anyone").status == 0
    assert not bos.path.exists()


def test_the_list_names_people_where_there_are_several(make: Callable[[str], Run], labcore: Labcore) -> None:
    mine, nobodys = make("Ada"), make("")
    assert "Ada" not in labcore("runs", "list").out
    bos = make("Bo")
    lines = labcore("runs", "list").out.splitlines()
    assert lines[0].split()[-1] == "by"
    assert {line.split()[0]: line.split()[-1] for line in lines[1:]} == {bos.id: "Bo", nobodys.id: "-", mine.id: "Ada"}
    assert {line["run_id"]: line["by"] for line in labcore("runs", "list", "--json").lines}[bos.id] == "Bo"
    assert {line["run_id"] for line in labcore("runs", "list", "--mine", "--json").lines} == {mine.id, nobodys.id}


def test_a_run_is_of_who_trains_it(workspace: Workspace, labcore: Labcore, tones: Path, tiny: tuple[str, ...]) -> None:
    told = labcore("train", "--json", "--dataset", tones, "--epochs", "1", *tiny)
    assert told.status == 0
    assert (told.lines[0]["type"], told.lines[0]["by"]) == ("run_started", "Ada")
    assert list_runs(workspace)[0].status().by == "Ada"


def test_cross_validations_and_searches_of_anothers_are_gone_on_with_where_that_is_meant(
    workspace: Workspace, labcore: Labcore, tones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RunConfig().replace({"data.dataset": str(tones), "audio.sample_rate": 8000})
    experiment = CrossValidation.create(workspace, config, by="Bo")
    for run in experiment.runs():
        run.append(RunFinished(state="stopped"))
    search = Search.create(
        workspace, make_settings(workspace, config, (Range("model.dropout", 0.0, 0.6),)), queued=True, by="Bo"
    )
    search.append(search.finished("stopped"))
    monkeypatch.setattr("labcore.cli.crossval._follow_manager", lambda *_, **__: 0)
    monkeypatch.setattr("labcore.cli.search._drive", lambda *_, **__: 0)
    for command, id_ in (("crossval", experiment.id), ("search", search.id)):
        told = labcore(command, "--resume", id_)
        assert told.status == 2
        assert f"{id_} belongs to Bo, and you are Ada" in told.err
        assert labcore(command, "--resume", id_, "--anyone").status == 0
    (facts,) = labcore("search", "--list", "--json").lines
    assert facts["by"] == "Bo"
    (facts,) = labcore("crossval", "--list", "--json").lines
    assert facts["by"] == "Bo"
