"""One list, and one way to show, stop, resume and delete, for jobs of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.benchmark.cases import Case
from labcore.benchmark.events import Measurement
from labcore.benchmark.job import Benchmark
from labcore.benchmark.plan import quick_plan
from labcore.config import RunConfig
from labcore.evaluation.robustness import InNoise, RobustnessPlan, RobustnessTest
from labcore.events import Preparing, RunFinished
from labcore.importing.job import Import, ImportPlan
from labcore.runs import Run
from labcore.workspace import Workspace

Labcore = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("ada")


@pytest.fixture
def waiting(workspace: Workspace) -> Run:
    return Run.create(workspace, RunConfig(), queued=True, by="Ada")


@pytest.fixture
def ended(workspace: Workspace) -> Run:
    run = Run.create(workspace, RunConfig(), queued=True, by="Bo")
    run.append(RunFinished(state="failed", error="the clips are gone", remedy="Bring them back"))
    return run


def test_jobs_of_every_kind_stand_in_one_list(waiting: Run, ended: Run, workspace: Workspace, labcore: Labcore) -> None:
    (workspace.room("searches") / "20260101-000000-broken-0000").mkdir()
    (workspace.room("searches") / "20260101-000000-broken-0000" / "journal.jsonl").touch()
    *jobs, broken = labcore("jobs", "list", "--json").lines
    assert {job["job_id"]: (job["kind"], job["state"], job["by"]) for job in jobs} == {
        waiting.id: ("run", "queued", "Ada"),
        ended.id: ("run", "failed", "Bo"),
    }
    assert broken["job_id"] == "20260101-000000-broken-0000"
    assert [job["job_id"] for job in labcore("jobs", "list", "--json", "--active").lines[:-1]] == [waiting.id]
    assert [job["job_id"] for job in labcore("jobs", "list", "--json", "--mine").lines[:-1]] == [waiting.id]
    assert labcore("jobs", "list", "--json", "--kind", "reports").lines == []
    assert waiting.id in labcore("jobs", "list").out


def test_how_far_it_is_is_told_of_jobs_without_epochs(workspace: Workspace, labcore: Labcore) -> None:
    job = Import.create(workspace, ImportPlan(path="/data/owls.zip", name="owls"))
    job.append(job.started("Ada"))
    for done, told in ((0, "0 % unpacking"), (30, "75 % unpacking")):
        job.append(Preparing(what="unpacking", done=done, total=40, unit="files"))
        with job.hold():
            assert told in labcore("jobs", "list").out
            assert told in labcore("jobs", "show", "last").out
    with job.hold():
        (facts,) = labcore("jobs", "list", "--json").lines
        assert (facts["fraction"], facts["doing"]) == (0.75, "unpacking")
        job.append(Preparing(what="counting", done=3, total=0, unit="files"))
        assert "0 % counting" in labcore("jobs", "list").out
        job.append(job.started("Ada"))  # once more, from the beginning
        assert "unpacking" not in labcore("jobs", "list").out
    job.append(job.finished("finished"))
    (facts,) = labcore("jobs", "list", "--json").lines
    assert (facts["state"], facts["fraction"], facts["doing"]) == ("finished", 1.0, "")


def test_a_job_is_shown(ended: Run, labcore: Labcore) -> None:
    (facts,) = labcore("jobs", "show", "last", "--json").lines
    assert (facts["job_dir"], facts["error"], facts["children"]) == (str(ended.path), "the clips are gone", [])
    told = labcore("jobs", "show", ended.id[-4:]).out
    assert "the clips are gone" in told
    assert str(ended.path) in told
    assert labcore("jobs", "show", "nothing").err.startswith("labcore: there is no job 'nothing'")


def test_what_waits_is_taken_out_of_the_queue_and_removed(waiting: Run, labcore: Labcore) -> None:
    assert "removed from the queue" in labcore("jobs", "stop", waiting.id).err
    assert waiting.status().state == "stopped"
    assert waiting.status().stopped_by == "Ada"
    assert "stopped already" in labcore("jobs", "stop", waiting.id).err
    assert labcore("jobs", "delete", waiting.id).status == 2
    assert waiting.there
    assert labcore("jobs", "delete", waiting.id, "--yes").status == 0
    assert not waiting.path.exists()


def test_anothers_job_is_left_alone(ended: Run, labcore: Labcore) -> None:
    for words in (["stop"], ["delete", "--yes"], ["resume"]):
        told = labcore("jobs", *words, ended.id)
        assert (told.status, told.out) == (2, "")
        assert f"run {ended.id} belongs to Bo, and you are Ada" in told.err
    assert ended.there
    assert labcore("jobs", "delete", "--yes", "--anyone", ended.id).status == 0


def test_what_was_stopped_is_resumed_and_followed_to_its_end(
    tones: Path, tiny: tuple[str, ...], workspace: Workspace, labcore: Labcore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCORE_WORKER", "thread")
    labcore("train", "--dataset", tones, "--epochs", "1", *tiny)
    config = Run.open(workspace, "last").config
    run = Run.create(workspace, config, queued=True, by="Ada")
    labcore("jobs", "stop", run.id)
    told = labcore("jobs", "resume", run.id, "--json")
    assert told.status == 0
    assert [line["type"] for line in told.lines[-2:]] == ["evaluated", "run_finished"]
    assert run.status().state == "finished"
    assert "is finished" in labcore("jobs", "resume", run.id).err


def test_jobs_of_other_kinds_are_followed_too(workspace: Workspace, labcore: Labcore) -> None:
    benchmark = Benchmark.create(workspace, quick_plan(["cpu"]), queued=True, by="Ada")
    benchmark.append(benchmark.started())
    benchmark.append(Measurement(case=Case("cpu", "compact"), failure="skipped", error="it is too large"))
    benchmark.append(benchmark.finished("failed", error="the network is gone", remedy="Bring it back"))
    told = labcore("jobs", "show", "--follow", benchmark.id).err.splitlines()
    assert told[0] == "queued"
    assert told[1].startswith(f"benchmark {benchmark.id} in ")
    assert told[2:] == [
        "compact inference network 1 on cpu, fp32 contiguous: it is too large",
        "failed: the network is gone. Bring it back.",
    ]
    noise = RobustnessTest.create(workspace, RobustnessPlan(run="gone"))
    noise.append(noise.started())
    noise.append(InNoise(snr_db=5.0, clips=4, hits=3, accuracy=0.75, low=0.3, high=0.95))
    noise.append(noise.finished("finished"))
    told = labcore("jobs", "show", "--follow", noise.id).err.splitlines()
    assert told[1:] == ["5 dB: accuracy 75.0 % (95 % interval 30.0 to 95.0 %), 3 of 4 clips right", "finished"]
