"""An estimate as a job: its life, and how many are kept."""

import pytest

from labcore.errors import RunError
from labcore.events import Estimate, TrainingStarted, last_of
from labcore.jobs.manager import JobManager
from labcore.jobs.process import work
from labcore.jobs.queue import QueueState
from labcore.training.estimates import EstimateJob, busy_words, room, speeds_of_estimates
from tests.jobs.inline import InlineChild


@pytest.fixture
def manager(tiny):
    made = JobManager(tiny.workspace, InlineChild, background=False)
    yield made
    made.close()
    for job in EstimateJob.every(tiny.workspace):
        job.delete()


def test_from_the_queue_to_the_result(tiny, manager):
    before = set(tiny.workspace.runs.glob("[!.]*"))
    job = manager.take(EstimateJob.create(tiny.workspace, tiny.config, queued=True, by="Ada"))
    assert job.result is None
    manager.look()
    assert (job.status().state, job.status().by) == ("finished", "Ada")
    assert job.result == last_of(job.events(), Estimate)
    assert job.result.clips == 24
    assert set(tiny.workspace.runs.glob("[!.]*")) == before
    asked = job.asked()
    assert (asked.dataset, asked.model) == (tiny.config.data.dataset, tiny.config.model.name)


def test_stopped_while_it_prepares_and_done_again(tiny, manager):
    job = EstimateJob.create(tiny.workspace, tiny.config)
    assert work(job, lambda: len(job.events()) > 1).state == "stopped"
    assert job.result is None
    assert not list(tiny.workspace.cache.glob("estimate-*"))
    manager.resume(job)
    manager.look()
    assert job.result is not None


def test_what_cannot_be_measured_is_told(tiny, manager):
    config = tiny.config.replace({"data.dataset": "gone"})
    job = manager.take(EstimateJob.create(tiny.workspace, config, queued=True))
    manager.look()
    status = job.status()
    assert status.state == "failed"
    assert "gone" in status.error
    (job.path / "config.json").write_text("{")
    assert job.asked().error
    with pytest.raises(RunError, match="cannot be read"):
        job.config  # noqa: B018


def test_the_newest_are_kept(tiny, manager, monkeypatch):
    monkeypatch.setattr("labcore.jobs.folder.KEPT", 3)
    waits = EstimateJob.create(tiny.workspace, tiny.config, queued=True)
    ended = []
    for _ in range(5):
        ended.append(EstimateJob.create(tiny.workspace, tiny.config))
        ended[-1].append(ended[-1].finished("finished"))
    kept = set(EstimateJob.every(tiny.workspace))
    assert waits in kept  # it has not ended
    assert len(kept) == 4
    assert ended[-1] in kept


def test_at_work_it_is_in_the_way_of_no_training(tiny, manager):
    job = EstimateJob.create(tiny.workspace, tiny.config)
    with job.hold():
        job.append(job.started())
        job.append(
            TrainingStarted(
                labels=[], train_clips=1, val_clips=1, fold="1", device="cpu", device_reason="", precision="fp32",
                memory_format="", precision_reason="", parameters=1, epochs=1, first_epoch=1,
            )
        )  # fmt: skip
        _, working = QueueState(tiny.workspace).look()
        assert [on for each, on in working if each == job] == ["shared"]


@pytest.mark.parametrize(
    ("largest", "clips", "words"),
    [
        (48, 100, "up to about 48 clips fit"),
        (1, 100, "up to about 1 clip fits"),
        (100, 100, "all 100 training clips fit"),
        (5000, 2, "all 2 training clips fit"),
        (5000, 1, "the one training clip fits"),
        (48, 0, "up to about 48 clips fit"),
    ],
)
def test_what_bounds_a_batch_is_told(largest, clips, words):
    assert room(largest, clips) == words


def told_of(**facts):
    return Estimate(
        seconds_per_epoch=9.0, seconds_total=90.0, batch_size=32, micro_batch=32, peak_bytes=1, memory_bytes=2, largest_batch=None,
        steps_timed=10, **facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        ({"others": 0.1, "cores": 2}, ""),
        ({"others": 1.6, "cores": 2}, "other work uses 1.6 of 2 cores now"),
        (
            {"others": 1.6, "cores": 2, "seconds_idle": 61.0},
            "other work uses 1.6 of 2 cores now; without it about 61.0",
        ),
    ],
)
def test_other_work_is_told_with_the_time_without_it(facts, words):
    assert busy_words(told_of(**facts), str) == words


def test_estimates_that_are_kept_tell_how_fast_this_machine_is(tiny):
    job = EstimateJob.create(tiny.workspace, tiny.config)
    job.append(told_of(clip_seconds=0.5, step_seconds=0.16, device="Some CPU"))
    (speed,) = [each for each in speeds_of_estimates(tiny.workspace) if each.device == "Some CPU"]
    assert speed.seconds_per_clip == 0.005
    job.delete()
