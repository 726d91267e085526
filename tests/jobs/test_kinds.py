"""What holds for jobs of every kind: a new one is taken in by a line in the table."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from labcore.errors import LabError, RunError
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.jobs.folder import SHARED, JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.kind import TABLE, folder_class, load
from labcore.jobs.manager import JobManager
from labcore.jobs.status import JobRequest
from labcore.workspace import ROOMS, Workspace

every_kind = pytest.mark.parametrize("room", TABLE)


def made(workspace: Workspace, room: str) -> JobFolder:
    """A job of a kind that holds nothing but the file that marks it."""
    job = folder_class(room).new(workspace, "one")
    with job.draft() as draft:
        (draft.path / job.kind.file).write_text("{}")
    return job


@every_kind
def test_a_kind_is_whole(room: str) -> None:
    kind = folder_class(room).kind
    assert kind.room == room
    assert room in ROOMS
    for place in filter(None, (kind.work, kind.lead, kind.ready)):
        assert callable(load(place))
    assert {"Queued", "Started", "Finished"} <= {
        base.__name__ for event in kind.events.values() for base in event.__mro__
    } or not kind.work


def test_whoever_looks_after_a_queue_loads_nothing_heavy_of_any() -> None:
    script = f"""
import sys
import labcore.jobs.manager, labcore.jobs.process
from labcore.jobs.kind import folder_class
for room in {[*TABLE]!r}:
    folder_class(room)
    heavy = set(sys.modules) & set(("torch", "optuna", "pandas", "sklearn", "streamlit"))
    assert not heavy, (room, heavy)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@every_kind
def test_a_job_is_listed_opened_held_and_removed(room: str, workspace: Workspace) -> None:
    job = made(workspace, room)
    kind = type(job)
    assert kind.every(workspace) == [job]
    assert kind.open(workspace, "last") == kind.open(workspace, job.id[-4:]) == kind.open(workspace, job.path) == job
    assert kind.unreadable(workspace) == []
    with pytest.raises(LabError, match="labcore"):
        kind.open(workspace, "nothing")
    manager = JobManager(workspace, background=False)
    with job.hold():
        assert job.held
        with pytest.raises(job.kind.error):
            manager.remove(job, for_good=True)
    manager.remove(job, for_good=True)
    manager.close()
    assert [path.name for path in job.path.parent.iterdir() if path.name != ".manager.lock"] == []


@every_kind
def test_what_cannot_be_read_of_a_job_is_told_with_what_it_needs(room: str, workspace: Workspace) -> None:
    job = made(workspace, room)
    (job.path / job.kind.file).write_text("{")
    asked = job.asked()
    assert "it is not JSON" in asked.error
    assert asked == JobRequest(needs=job.needs, error=asked.error)
    told = glance(job)
    assert told.state == "unreadable"
    assert told.error == f"{job.title} cannot be read: {asked.error}"
    with pytest.raises(job.kind.error, match="not JSON"):
        job.request()


def test_a_plan_is_written_and_read_by_its_own_class(workspace: Workspace) -> None:
    plan = EvaluationPlan(run="20260101-000000-bark-1234", label="dog")
    job = Evaluation.create(workspace, plan, queued=True, by="ada")
    assert job.id.partition("-")[2].partition("-")[2].startswith("bark-1234-")
    assert job.load("evaluation")["class"] == "dog"
    assert job.plan == plan
    assert job.asked().needs == SHARED
    assert job.status().state == "queued"
    assert job.owner == "ada"
    (job.path / job.kind.file).write_text('{"run": 5}')
    with pytest.raises(RunError, match=f"^{job.title} cannot be read: it is damaged"):
        _ = job.plan


@every_kind
def test_a_job_that_was_removed_while_somebody_waited_for_it_does_not_come_back(
    room: str, workspace: Workspace
) -> None:
    job, told = made(workspace, room), list[LabError]()

    def wait() -> None:
        try:
            with job.hold(timeout=10):
                pass
        except LabError as error:
            told.append(error)

    with job.hold():
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(0.05)
        job.path.rename(job.path.with_name(".gone"))
    waiting.join()
    assert "no longer exists" in str(told[0])
    assert not job.path.exists()
