"""Many runs at a glance: none is opened that was seen before, and what is remembered is never older than the files."""

from __future__ import annotations

import json
import time

import pytest

from labcore.config import RunConfig
from labcore.events import RunFinished, RunStarted
from labcore.jobs import glances as module
from labcore.jobs.glances import INDEX, glance, glances, known
from labcore.runs import Run


def another_process(monkeypatch) -> None:
    monkeypatch.setattr(module, "_index", module._Index())


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """What was read of runs from now on."""
    found: list[str] = []
    for owner, name in ((module, "log_of"), (Run, "asked")):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda run, real=real, name=name: found.append(name) or real(run))
    return found


@pytest.fixture
def runs(workspace, monkeypatch) -> list[Run]:
    monkeypatch.setattr(module, "SETTLED_SECONDS", -1.0)  # as if nothing had been changed just now
    found = [Run.create(workspace, RunConfig(), queued=True, by="Ada") for _ in range(3)]
    for run in found[:2]:
        run.append(RunStarted(run_id=run.id, run_dir=str(run.path), pid=1, host="here"))
    found[0].append(RunFinished(state="finished"))
    return found


def states(workspace) -> list[str]:
    return sorted(status.state for _, status in glances(workspace, Run))


def test_the_next_process_opens_no_run(workspace, runs, opened, monkeypatch):
    assert states(workspace) == ["finished", "interrupted", "queued"]
    assert len(opened) == 6
    another_process(monkeypatch)
    opened.clear()
    assert states(workspace) == ["finished", "interrupted", "queued"]
    assert {status.by for _, status in glances(workspace, Run)} == {"Ada"}
    assert known(runs[0])[0].dataset == "demo"
    assert opened == []


def test_a_run_that_changed_is_read_anew_and_no_other(workspace, runs, opened, monkeypatch):
    states(workspace)
    runs[2].append(RunFinished(state="stopped"))
    (runs[1].path / "config.json").write_text("{")
    another_process(monkeypatch)
    opened.clear()
    assert states(workspace) == ["finished", "stopped", "unreadable"]
    assert sorted(opened) == ["asked", "log_of"]


def test_life_is_read_off_the_lock_each_time(workspace, runs, opened):
    states(workspace)
    with runs[1].hold():
        assert states(workspace) == ["finished", "queued", "running"]
    assert states(workspace) == ["finished", "interrupted", "queued"]


@pytest.mark.parametrize("state", [lambda run: glance(run).state, lambda run: run.status().state])
def test_a_run_that_ends_while_it_is_looked_at_was_not_interrupted(runs, monkeypatch, state):
    def let_go(run: Run) -> bool:
        run.append(RunFinished(state="finished"))
        return False

    monkeypatch.setattr(Run, "held", property(let_go))
    assert state(runs[1]) == "finished"


def test_runs_that_are_gone_are_forgotten(workspace, runs):
    states(workspace)
    runs[0].delete()
    Run.create(workspace, RunConfig())
    states(workspace)
    assert f"runs/{runs[0].id}" not in json.loads((workspace.cache / INDEX).read_text())["jobs"]
    assert not any(key.endswith(runs[0].id) for key in module._index.seen)


def test_what_changed_just_now_is_not_kept(workspace, runs, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_SECONDS", 60.0)
    states(workspace)
    assert json.loads((workspace.cache / INDEX).read_text())["jobs"] == {}


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"jobs": {}}', "x" * 100])
def test_a_damaged_memory_is_made_again(workspace, runs, monkeypatch, content):
    states(workspace)
    (workspace.cache / INDEX).write_text(content)
    another_process(monkeypatch)
    assert states(workspace) == ["finished", "interrupted", "queued"]
    assert len(json.loads((workspace.cache / INDEX).read_text())["jobs"]) == 3


def test_a_workspace_that_cannot_be_written_is_listed(workspace, runs):
    (workspace.home / "cache").write_text("no folder")
    assert states(workspace) == ["finished", "interrupted", "queued"]


def test_a_glance_at_one_run_tells_why_it_cannot_be_read(runs):
    (runs[0].path / "events.jsonl").unlink()
    (runs[0].path / "events.jsonl").mkdir()
    status = glance(runs[0])
    assert status.state == "unreadable"
    assert status.error == f"run {runs[0].id} cannot be read: its events.jsonl is not a file"
    assert time.time() - status.changed_at < 60
