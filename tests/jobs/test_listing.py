"""Lists in which one bad thing never takes the rest down."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from labcore.benchmark.job import Benchmark
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.errors import RunError, WorkspaceError
from labcore.jobs.about import change_about
from labcore.jobs.glances import glance
from labcore.jobs.listing import folders_with, looked_at, reason, strays
from labcore.runs import Run, list_runs
from labcore.search.folder import Search
from labcore.workspace import Workspace

NOT_UTF8 = os.fsdecode(b"20261127-M\x84dchen")


def damage(room: Path, marker: str, trace: str) -> dict[str, str]:
    """Put every kind of damage into a room; name → a word of the reason."""
    (room / "a-file").write_text("x")
    (room / "link").symlink_to(room / "nowhere")
    (room / "loop").symlink_to(room / "loop")
    (room / NOT_UTF8).mkdir()
    (room / NOT_UTF8 / marker).write_text("{}")
    (room / "odd" / marker).mkdir(parents=True)
    (room / "bare").mkdir()
    (room / "bare" / trace).write_text("x")
    (room / "foreign").mkdir()
    (room / ".draft").mkdir()
    (room / "some.lock").touch()
    return {
        "a-file": "a folder is expected",
        "link": "a broken link",
        "loop": "cannot be listed",
        r"20261127-M\x84dchen": "not UTF-8",
        "odd": f"its {marker} is not a file",
        "bare": f"its {marker} is missing",
    }


@pytest.mark.parametrize(
    ("room", "marker", "trace", "listed", "unreadable"),
    [
        ("runs", "config.json", "events.jsonl", list_runs, Run.unreadable),
        ("searches", "search.json", "journal.jsonl", Search.every, Search.unreadable),
        ("reports", "plan.json", "machine.json", Benchmark.every, Benchmark.unreadable),
    ],
)
def test_what_cannot_be_read_is_named_beside_what_can(workspace, room, marker, trace, listed, unreadable):
    folder = workspace.room(room)
    (folder / "good").mkdir()
    (folder / "good" / marker).write_text("{}")
    expected = damage(folder, marker, trace)
    assert [each.id for each in listed(workspace)] == ["good"]
    found = {each.name: each.why for each in unreadable(workspace)}
    assert set(found) == set(expected)
    assert all(word in found[name] for name, word in expected.items())


def test_cross_validations_too(workspace):
    (workspace.room("experiments") / "good").mkdir()
    (workspace.room("experiments") / "good" / "experiment.json").write_text("{}")
    (workspace.room("experiments") / "a-file").write_text("x")
    assert [each.id for each in CrossValidation.every(workspace)] == ["good"]
    assert [str(each) for each in CrossValidation.unreadable(workspace)] == [
        "a-file cannot be read: it is a file, but a folder is expected"
    ]


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, monkeypatch):
    (tmp_path / "lost+found").mkdir()
    real = os.listdir

    def listdir(path):
        if Path(path).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert folders_with(tmp_path, "config.json") == []
    assert [str(each) for each in strays(tmp_path, "config.json")] == [
        "lost+found cannot be read: its folder cannot be listed: Permission denied"
    ]
    with pytest.raises(WorkspaceError, match="cannot be listed"):
        folders_with(tmp_path / "lost+found", "config.json")


def test_whatever_a_look_raises_is_told_of_that_thing_alone():
    seen, broken = looked_at([1, 0, 2], lambda number: 2 // number, str)
    assert seen == [2, 1]
    assert [(each.name, "ZeroDivisionError" in each.why) for each in broken] == [("0", True)]
    assert reason(RunError("it is gone", "Look elsewhere")) == "it is gone. Look elsewhere"
    assert reason(RunError("the plan of report x cannot be read: it is empty", "Make one")) == "it is empty"
    assert reason(PermissionError(13, "Permission denied")) == "Permission denied"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"optim": 3}', '{"optim": {"epochs": "many"}}', "[" * 100000]
)
def test_a_run_whose_configuration_is_damaged_says_so(workspace, content):
    run = Run.create(workspace, RunConfig())
    (run.path / "config.json").write_text(content)
    status = glance(run)
    assert status.state == "unreadable"
    assert not status.active
    assert f"run {run.id} cannot be read: " in status.error


@pytest.mark.parametrize(
    "line",
    [
        {"type": ["x"], "time": 1},
        {"type": "epoch", "time": "now"},
        {"type": "epoch", "time": 1, "epoch": "three"},
        {"type": "epoch", "time": 1, "epoch": [1], "epochs": 2},
        {"type": "run_finished", "time": 1, "state": {"a": 1}},
        {"type": "run_finished", "time": 1, "error": 5},
        {"type": "run_finished", "time": 1, "details": "x"},
        {"type": "training_started", "time": 1, "device": ["cpu"]},
        {"type": "run_queued", "time": 1, "by": 7},
        [1],
        "run_queued",
    ],
)
def test_events_of_other_types_than_they_should_be_hurt_nobody(workspace, line):
    from labcore.jobs.queue import QueueState

    good, bad = (Run.create(workspace, RunConfig(), queued=True) for _ in range(2))
    with (bad.path / "events.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert glance(bad).state in ("queued", "failed", "interrupted")
    assert good in QueueState(workspace).look()[0]
    assert bad.epochs() == []


def test_several_that_a_name_means_are_told(workspace: Workspace) -> None:
    runs = [Run.create(workspace, RunConfig()) for _ in range(7)]
    change_about(runs[0].path, name="nix one")
    change_about(runs[1].path, name="nix two")
    with pytest.raises(RunError) as told:
        Run.open(workspace, "nix")
    assert told.value.what.startswith("2 runs match 'nix': ")
    which = told.value.what.partition(": ")[2].split(", ")
    assert {*which} == {f"{runs[0].id} (nix one)", f"{runs[1].id} (nix two)"}
    with pytest.raises(RunError, match=r"7 runs match '-': .* and 2 more\. Give more of the id"):
        Run.open(workspace, "-")


def test_a_job_by_its_id_is_found_without_a_look_at_the_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run.create(workspace, RunConfig()) for _ in range(3)]
    newest = Run.every(workspace)[:2]
    looked, real = [], os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: looked.append(path) or real(path))
    assert Run.open(workspace, runs[1].id) == runs[1]
    assert len(looked) == 1
    assert Run.every(workspace, 2) == newest
    assert len(looked) == 3
    with pytest.raises(RunError, match="there is no run"):
        Run.open(workspace, f".{runs[1].id}")
    assert Run.open(workspace, "last") == newest[0]


def test_a_look_at_a_room_writes_nothing_and_lists_no_folder_that_is_well(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(workspace, RunConfig())
    listed, real = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(Path(path)) or real(path))
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("made a folder"))
    assert Run.every(workspace) == [run]
    assert Run.unreadable(workspace) == []
    assert set(listed) == {run.path.parent}
