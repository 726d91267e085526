"""Runs handed to a Ray cluster: a stand-in for one, and a real one of this machine where Ray is installed."""

from __future__ import annotations

import builtins
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import summarise
from labcore.errors import ConfigError, DeviceError
from labcore.events import RunFinished, TrainingStarted
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.runs.ray_queue import RayQueue, connected
from labcore.search import driver
from labcore.search.folder import Search
from labcore.search.settings import make_settings
from labcore.search.space import Range


def test_without_ray_the_remedy_is_told(monkeypatch):
    load = builtins.__import__

    def without(name, *args, **options):
        if name == "ray":
            raise ImportError(name)
        return load(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"audio-gpu-lab\[ray\]"):
        connected()


class Ray:
    """Stands in for a cluster: notes what each task asks for, and works on it when it is waited for."""

    def __init__(self, cores: int, gpus: int) -> None:
        self.cores, self.gpus, self.asked = cores, gpus, []
        self.open = True

    def cluster_resources(self):
        return {"CPU": float(self.cores), "GPU": float(self.gpus)}

    def nodes(self):
        return [{"Alive": True}, {"Alive": False}]

    def remote(self, act):
        return Remote(self, act)

    def wait(self, tasks, **_):
        return tasks, []

    def get(self, task):
        return task()

    def shutdown(self):
        self.open = False


class Remote:
    def __init__(self, ray: Ray, act) -> None:
        self.ray, self.act = ray, act

    def options(self, **options):
        self.ray.asked.append({name: options[name] for name in ("num_gpus", "num_cpus") if name in options})
        assert options["max_retries"] == 3
        return self

    def remote(self, *args):
        return partial(self.act, *args)


@pytest.fixture
def make_run(workspace):
    return lambda device="auto", **marks: Run.create(workspace, RunConfig().replace({"runtime.device": device}))


@pytest.mark.parametrize(
    ("device", "cores", "gpus", "wanted", "runs", "asked", "room"),
    [
        ("auto", 8, 0, None, 3, {"num_cpus": 2}, 4),
        ("auto", 2, 0, None, 3, {"num_cpus": 1}, 2),
        ("auto", 8, 0, 4, 3, {"num_cpus": 4}, 2),
        ("auto", 8, 2, None, 3, {"num_gpus": 1, "num_cpus": 1}, 2),
        ("cpu", 8, 2, None, 3, {"num_cpus": 2}, 4),
        ("cpu", 8, 0, None, None, {"num_cpus": 8}, 1),
    ],
)
def test_what_a_run_asks_the_cluster_for(make_run, device, cores, gpus, wanted, runs, asked, room):
    ray = Ray(cores, gpus)
    queue = RayQueue(ray, cores=wanted, runs=runs)
    queue.take(make_run(device))
    assert ray.asked == [asked]
    assert queue.room(device) == room
    assert queue.about(device).startswith("Ray: 1 node with")


def test_what_the_cluster_does_not_have_is_told(make_run):
    with pytest.raises(DeviceError, match="Ray has no GPU"):
        RayQueue(Ray(4, 0)).take(make_run("cuda:0"))
    with pytest.raises(DeviceError, match="a run needs 9 cores, and Ray has 4"):
        RayQueue(Ray(4, 1), cores=9)


def test_a_task_works_on_the_run_with_its_share(make_run):
    one, gone, held = make_run("cpu"), make_run("cpu"), make_run("cpu")
    queue = RayQueue(Ray(4, 0), cores=2, by="Ada")
    for run in (one, gone, held):
        queue.take(run)
    gone.delete()
    assert not queue.has(one)
    assert one.config.runtime.threads == 2
    assert (one.status().state, one.status().by) == ("failed", "Ada"), "there is no such data set"
    assert not queue.has(gone)
    with held.hold():
        assert not queue.has(held)
    assert set(queue.troubles) == {gone.id, held.id}
    assert "workspace must be on a disk that all nodes share" in queue.troubles[gone.id]
    queue.resume(one)
    with closing(queue):
        assert len(queue.ray.asked) == 4
    assert not queue.ray.open


def test_a_run_that_waits_for_a_node_is_stopped(make_run):
    run, ray = make_run("cpu"), Ray(2, 0)
    queue = RayQueue(ray)
    ray.wait = lambda tasks, **_: ([], tasks)
    queue.take(run)
    assert queue.has(run)
    queue.stop(run, by="Bo")
    assert run.stopper == "Bo"
    del ray.wait
    assert not queue.has(run)
    assert (run.status().state, run.status().stopped_by) == ("stopped", "Bo")


def test_a_search_over_a_cluster(workspace, urbansound, monkeypatch):
    config = RunConfig().replace({"data.dataset": str(urbansound), "runtime.device": "cpu"})
    search = Search.create(workspace, make_settings(workspace, config, (Range("model.dropout", 0.0, 0.6),), trials=4))
    monkeypatch.setattr(driver, "POLL_SECONDS", 0)
    monkeypatch.setattr("labcore.training.loop.train", broken)
    ray = Ray(2, 0)
    end = work(search, doing=partial(driver.work, queue=RayQueue(ray, cores=1), devices=["cpu", "cpu"]))
    assert (end.state, end.done) == ("failed", 3)
    assert "the network cannot be built" in end.error
    assert ray.asked == [{"num_cpus": 1}] * 4, "two at once"
    runs = search.trial_runs().values()
    assert all(
        run.last_event(RunFinished).error == "the network cannot be built"
        for run in runs
        if run.status().state == "failed"
    )
    assert not any(run.status().state == "queued" for run in runs), "no job manager would take them"


def broken(config, run, workspace, should_stop):
    yield TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=4, fold="1", device="cpu", device_reason="", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=1, first_epoch=1,
    )  # fmt: skip
    raise ConfigError("the network cannot be built", "Choose another one")


@pytest.fixture
def sounds(tmp_path: Path) -> str:
    """Two folds of tones and noises that a real training takes."""
    random, rows, time = np.random.default_rng(0), ["path,label,fold"], np.arange(2000) / 8000
    for fold in "12":
        for number in range(4):
            tone, noise = np.sin(2 * np.pi * random.uniform(300, 2000) * time), random.normal(0, 0.3, 2000)
            for label, sound in (("tone", tone), ("noise", noise)):
                file = tmp_path / f"{label}{fold}{number}.wav"
                file.write_bytes(encode_wav((0.3 * sound).astype(np.float32), 8000))
                rows.append(f"{file},{label},{fold}")
    (tmp_path / "sounds.csv").write_text("\n".join(rows) + "\n")
    return str(tmp_path / "sounds.csv")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:::ray")
def test_two_workers_of_a_ray_finish_two_folds(workspace, sounds, until, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed (the extra ray)")
    small = {"data.dataset": sounds, "audio.sample_rate": 8000, "features.n_mels": 16, "optim.batch_size": 4}
    quick = {"model.name": "small_cnn", "runtime.precision": "fp32", "runtime.memory_format": "contiguous"}
    config = RunConfig().replace(
        {**small, **quick, "optim.epochs": 1, "runtime.compile": "off", "runtime.device": "cpu"}
    )
    experiment = CrossValidation.create(workspace, config, queued=False)
    monkeypatch.setattr("labcore.runs.ray_queue.usable_cores", lambda: 2)
    with closing(RayQueue(connected(), runs=2)) as queue:
        for run in experiment.runs():
            queue.take(run)
        until(lambda: not [run for run in experiment.runs() if queue.has(run)], 300)
        assert queue.troubles == {}
    summary = summarise(experiment)
    assert [fold.state for fold in summary.folds] == ["finished", "finished"], [fold.error for fold in summary.folds]
    assert summary.official.clips == 16
    assert [run.config.runtime.threads for run in experiment.runs()] == [1, 1]
