"""A profile as a job: clips are measured and mapped, by mel statistics and by a run, and what goes wrong is told."""

from __future__ import annotations

import pytest

from labcore.datasets import find_dataset, register
from labcore.errors import RunError
from labcore.explore.clips.facts import known_facts
from labcore.explore.clips.map import known_map
from labcore.explore.clips.profile import Profile, ProfilePlan
from labcore.jobs.process import work


@pytest.fixture
def name(workspace, class_folders) -> str:
    register(workspace, class_folders, "set")
    return "set"


def done(workspace, **plan):
    job = Profile.create(workspace, ProfilePlan(**plan), by="Ada")
    return job, work(job)


def test_measured_then_mapped(workspace, name):
    job, end = done(workspace, dataset=name)
    dataset = find_dataset(workspace, name)
    assert (end.state, job.asked().dataset) == ("finished", name)
    assert len(known_facts(workspace, dataset)) == len(dataset)
    assert known_map(workspace, dataset, "", None) is None
    assert done(workspace, dataset=name, map=True)[1].state == "finished"
    known = known_map(workspace, dataset, "", None)
    assert known.current
    assert len(known.points) == len(dataset)


def test_a_sample_by_the_embeddings_of_a_run(workspace, name, make_run, monkeypatch):
    monkeypatch.setattr("labcore.explore.clips.profile_work.MOST", 4)
    run = make_run()
    assert done(workspace, dataset=name, map=True, run=run.id)[1].state == "finished"
    known = known_map(workspace, find_dataset(workspace, name), run.id, run.weights)
    assert known.current
    assert (len(known.points), known.clips) == (4, len(find_dataset(workspace, name)))
    assert known.points[["tsne_x", "tsne_y"]].nunique().min() > 1


def test_what_is_not_there_is_told(workspace, name):
    for plan, told in (({"dataset": "gone"}, "gone"), ({"dataset": name, "map": True, "run": "20990101"}, "20990101")):
        job, end = done(workspace, **plan)
        assert end.state == "failed"
        assert told in end.error
    (job.path / "profile.json").write_text("{")
    assert job.asked().error
    with pytest.raises(RunError, match="cannot be read"):
        job.plan  # noqa: B018


def test_a_stop_and_the_newest_are_kept(workspace, name, monkeypatch):
    monkeypatch.setattr("labcore.jobs.folder.KEPT", 2)
    job = Profile.create(workspace, ProfilePlan(dataset=name, map=True))
    assert work(job, lambda: len(job.events()) > 0).state == "stopped"
    assert known_map(workspace, find_dataset(workspace, name), "", None) is None
    for _ in range(3):
        newest = Profile.create(workspace, ProfilePlan(dataset=name))
        newest.append(newest.finished("finished"))
    assert len(Profile.every(workspace)) == 2
    assert newest in Profile.every(workspace)
