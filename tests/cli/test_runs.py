"""`labcore runs`: the list as it is asked for, what people say of runs, and what becomes of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.config import RunConfig
from labcore.events import RunFinished, RunQueued, RunStarted
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace
from tests.made_events import made_result

Labcore = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("ada")


@pytest.fixture
def make(workspace: Workspace) -> Callable[..., Run]:
    def made(accuracy: float = 0.5, by: str = "Ada", **changes: object) -> Run:
        run = Run.create(workspace, RunConfig().replace(changes))
        run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here", by=by))
        run.append(made_result(accuracy))
        run.append(RunFinished(state="finished", seconds=61.0))
        return run

    return made


def test_json_has_all_that_the_list_knows(make: Callable[..., Run], labcore: Labcore) -> None:
    run = make(0.8)
    labcore("runs", "tag", run.id, "keep,b")
    labcore("runs", "note", run.id, "one\ntwo")
    (line,) = [json.loads(text) for text in labcore("runs", "list", "--json").out.splitlines()]
    assert {name: line[name] for name in ("run_id", "state", "accuracy", "accuracy_low", "accuracy_high", "seconds", "fold")} == {
        "run_id": run.id, "state": "finished", "accuracy": 0.8, "accuracy_low": 0.4, "accuracy_high": 0.95, "seconds": 61.0,
        "fold": "1",
    }  # fmt: skip
    assert (line["name"], line["tags"], line["note"]) == ("demo · balanced", ["keep", "b"], "one\ntwo")
    assert (line["star"], line["archived"], line["parent"], line["part"]) == (False, False, None, None)


def test_the_list_is_sorted_filtered_and_searched(make: Callable[..., Run], labcore: Labcore) -> None:
    low, high = make(0.4), make(0.9, **{"data.dataset": "esc10"})
    labcore("runs", "star", low.id)

    def listed(*flags: str) -> list[str]:
        return [json.loads(line)["run_id"] for line in labcore("runs", "list", "--json", *flags).out.splitlines()]

    assert listed("--sort", "accuracy") == [high.id, low.id]
    assert listed("--sort=-accuracy") == [low.id, high.id]
    assert listed("--filter", "accuracy>=80%") == listed("--search", "esc10") == [high.id]
    assert listed("--star") == [low.id]
    wrong = labcore("runs", "list", "--sort", "colour")
    assert (wrong.status, wrong.out) == (2, "")
    assert "cannot be sorted by 'colour'. Choose one of time" in wrong.err


def test_a_name_is_accepted_wherever_an_id_is(make: Callable[..., Run], labcore: Labcore) -> None:
    run, _ = make(), make()
    assert labcore("runs", "rename", run.id, "quiet room").status == 0
    assert json.loads(labcore("runs", "show", "Quiet Room", "--json").out)["run_id"] == run.id
    assert "quiet room" in labcore("runs", "list").out
    refused = labcore("runs", "rename", run.id, "last")
    assert (refused.status, run.name) == (2, "quiet room")


def test_what_is_archived_is_listed_apart(make: Callable[..., Run], labcore: Labcore) -> None:
    run = make()
    labcore("runs", "archive", "last")
    told = labcore("runs", "list")
    assert (told.out, "--archived" in told.err) == ("", True)
    assert run.id in labcore("runs", "list", "--archived").out
    labcore("runs", "unarchive", run.id)
    assert run.id in labcore("runs", "list").out


def test_what_was_deleted_is_restored(make: Callable[..., Run], labcore: Labcore, workspace: Workspace) -> None:
    run = make()
    told = labcore("runs", "delete", "--yes", run.id)
    assert f"`labcore runs restore {run.id}` brings it back" in told.err
    assert list_runs(workspace) == []
    assert run.id in labcore("runs", "list", "--deleted").out
    assert labcore("runs", "restore", "last").status == 0
    assert list_runs(workspace) == [run]
    labcore("runs", "delete", "--yes", run.id)
    assert labcore("runs", "delete", "--yes", "--for-good", run.id).status == 0
    assert labcore("runs", "restore", run.id).status == 2


@pytest.mark.parametrize(
    "words", [["rename", "x"], ["tag", "x"], ["note", "x"], ["star"], ["archive"], ["delete", "--yes"]]
)
def test_another_persons_run_is_left_alone(make: Callable[..., Run], labcore: Labcore, words: list[str]) -> None:
    bos = make(by="Bo")
    command = ["runs", words[0], bos.id, *words[1:]]
    told = labcore(*command)
    assert (told.status, told.out) == (2, "")
    assert f"belongs to Bo, and you are Ada. Add --anyone to {words[0]} it anyway" in told.err
    assert not (bos.path / "about.json").exists()
    assert labcore(*command, "--anyone").status == 0


class TestRuns:
    def test_list(self, trained: Workspace, labcore: Labcore, tones: Path) -> None:
        (run,) = list_runs(trained)
        (facts,) = labcore("runs", "list", "--json").lines
        assert (facts["run_id"], facts["state"], facts["epoch"], facts["epochs"]) == (run.id, "finished", 4, 4)
        assert (facts["dataset"], facts["model"]) == (str(tones), "compact")
        told = labcore("runs", "list")
        assert run.id in told.out
        assert "4/4" in told.out

    def test_empty_list(self, workspace: Workspace, labcore: Labcore) -> None:
        told = labcore("runs", "list")
        assert told.status == 0
        assert "labcore train" in told.err
        assert labcore("runs", "list", "--json").out == ""

    def test_show(self, trained: Workspace, labcore: Labcore) -> None:
        told = labcore("runs", "show", "last")
        assert told.status == 0
        for word in ("finished", "95 % interval", "precision", "high", "low", "labcore train"):
            assert word in told.out
        (facts,) = labcore("runs", "show", "last", "--json").lines
        assert facts["state"] == "finished"
        assert facts["config"]["model"]["name"] == "compact"
        assert len(facts["epoch_events"]) == 4
        assert facts["evaluated"]["clips"] == 4

    def test_stop(self, workspace: Workspace, labcore: Labcore) -> None:
        ended, waiting, working = (Run.create(workspace, RunConfig()) for _ in range(3))
        ended.append(RunStarted(run_id=ended.id, run_dir=str(ended.path), pid=1, host="here"))
        ended.append(RunFinished(state="finished", epochs_done=4))
        waiting.append(RunQueued())
        working.append(RunStarted(run_id=working.id, run_dir=str(working.path), pid=1, host="here"))
        with working.hold():
            told = labcore("runs", "stop", waiting.id, working.id, ended.id)
            assert told.status == 0
            assert working.status().state == "stopping"
        assert waiting.status().state == "stopped"
        assert ended.status().state == "finished"
        assert "from the queue" in told.err
        assert f"labcore resume {working.id}" in told.err
        assert f"{ended.id} is finished already" in told.err

    def test_show_survives_a_broken_run(self, workspace: Workspace, labcore: Labcore) -> None:
        run = Run.create(workspace, RunConfig())
        (run.path / "config.json").write_text("{")
        (run.path / "events.jsonl").write_text('{"type": "epoch", "time": 1}\n{"type": "evaluated", "time": 1}\nx')
        assert labcore("runs", "show", run.id).status == 0
        assert labcore("runs", "show", run.id, "--json").status == 0
        assert labcore("runs", "list").status == 0

    def test_follow_a_run_of_the_past(self, trained: Workspace, labcore: Labcore) -> None:
        (run,) = list_runs(trained)
        told = labcore("runs", "show", "last", "--follow", "--json")
        assert told.status == 0
        assert told.lines == [event.facts() for event in run.events()]
        assert "epoch 4/4" in told.err

    def test_delete(self, workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> None:
        run, other = Run.create(workspace, RunConfig()), Run.create(workspace, RunConfig())
        told = labcore("runs", "delete", run.id)
        assert (told.status, "--yes" in told.err) == (2, True)
        for answer, left in (("n\n", True), ("y\n", False)):
            monkeypatch.setattr("sys.stdin", _Terminal(answer))
            monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
            assert labcore("runs", "delete", run.id).status == 0
            assert run.path.exists() is left
        with other.hold():
            assert labcore("runs", "delete", other.id, "--yes").status == 2
        assert labcore("runs", "delete", other.id, "--yes").status == 0
        assert list_runs(workspace) == []


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
