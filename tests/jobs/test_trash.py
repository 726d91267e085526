"""What was deleted can be put back as it was, until the trash is emptied of it."""

from __future__ import annotations

import os
import time

import pytest

from labcore.config import RunConfig
from labcore.errors import LabError, WorkspaceError
from labcore.jobs.manager import JobManager
from labcore.jobs.trash import KEPT_DAYS, NOTE, deleted, put_back, sweep, throw_away
from labcore.runs import Run


@pytest.fixture
def run(workspace) -> Run:
    run = Run.create(workspace, RunConfig(), queued=True, by="Ada")
    run.weights.write_bytes(b"weights")
    return run


def test_a_deleted_run_is_in_no_list_and_comes_back_whole(workspace, run):
    before = {path.name for path in run.path.iterdir()}
    manager = JobManager(workspace, background=False)
    manager.remove(run, by="Bo")
    assert Run.every(workspace) == Run.unreadable(workspace) == []
    assert manager.queue() == []
    (thing,) = deleted(workspace, Run)
    assert (thing.job, thing.by) == (run, "Bo")
    assert time.time() - thing.when < 60
    assert put_back(thing) == run
    assert {path.name for path in run.path.iterdir()} - {"lock"} == before
    assert run.weights.read_bytes() == b"weights"
    assert (run.status().state, deleted(workspace, Run)) == ("queued", [])
    manager.close()


def test_one_at_work_stays(run):
    with run.hold(), pytest.raises(LabError, match="is running"):
        throw_away(run)
    assert run.there


def test_for_good_leaves_nothing(workspace, run):
    manager = JobManager(workspace, background=False)
    manager.remove(run, for_good=True)
    manager.close()
    assert [path.name for path in workspace.runs.iterdir() if "lock" not in path.name] == []


def test_the_trash_is_emptied_of_what_is_old(workspace, run):
    other = Run.create(workspace, RunConfig())
    throw_away(run)
    throw_away(other)
    old = time.time() - (KEPT_DAYS + 0.1) * 86400
    os.utime(workspace.runs / f".{run.id}.deleted" / NOTE, (old, old))
    sweep(workspace.runs)
    assert [thing.job for thing in deleted(workspace, Run)] == [other]


def test_nothing_is_put_over_another(workspace, run):
    throw_away(run)
    run.path.mkdir()
    (thing,) = deleted(workspace, Run)
    with pytest.raises(WorkspaceError, match="there already"):
        put_back(thing)
    assert thing.path.is_dir()


def test_it_can_be_deleted_again(workspace, run):
    for _ in range(2):
        throw_away(run)
        put_back(deleted(workspace, Run)[0])
    assert run.there
