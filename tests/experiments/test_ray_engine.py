from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.errors import ConfigError, DeviceError
from labcore.experiments import create, make_ready, ray_engine, summarise


def test_without_ray_the_remedy_is_told(monkeypatch):
    load = builtins.__import__

    def without(name, *args, **options):
        if name == "ray":
            raise ImportError(name)
        return load(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"audio-gpu-lab\[ray\]"), ray_engine.working([]):
        pass


class Ray:
    """Stands in for a cluster: notes what each task asks for."""

    def __init__(self, cores: int, gpus: int) -> None:
        self.cores, self.gpus, self.asked = cores, gpus, []

    def cluster_resources(self):
        return {"CPU": float(self.cores), "GPU": float(self.gpus)}

    def nodes(self):
        return [{"Alive": True}]

    def remote(self, work):
        return self

    def options(self, **options):
        self.asked.append({name: options[name] for name in ("num_gpus", "num_cpus") if name in options})
        return self

    # a remote function has a method of the same name as the decorator
    def __getattribute__(self, name):
        if name == "remote" and object.__getattribute__(self, "asked"):
            return lambda *args: self if callable(args[0]) else f"task-{args[0]}"
        return object.__getattribute__(self, name)


@pytest.mark.parametrize(
    ("device", "cores", "gpus", "wanted", "asked"),
    [
        ("auto", 8, 0, None, {"num_cpus": 2}),
        ("auto", 2, 0, None, {"num_cpus": 1}),
        ("auto", 8, 0, 4, {"num_cpus": 4}),
        ("auto", 8, 2, None, {"num_gpus": 1, "num_cpus": 1}),
        ("cpu", 8, 2, None, {"num_cpus": 2}),
    ],
)
def test_what_a_fold_asks_the_cluster_for(workspace, config, device, cores, gpus, wanted, asked):
    experiment = create(workspace, config.changed({"runtime.device": device}), queued=False, gpus=0)
    ray = Ray(cores, gpus)
    ray_engine._start(ray, experiment.runs(), wanted, "Ada")
    assert ray.asked == [asked] * 3


def test_what_the_cluster_does_not_have_is_told(workspace, config):
    runs = create(workspace, config.changed({"runtime.device": "cuda:0"}), queued=False).runs()
    with pytest.raises(DeviceError, match="Ray has no GPU"):
        ray_engine._start(Ray(4, 0), runs, None, "Ada")
    with pytest.raises(DeviceError, match="a run is to have 9 cores, and Ray has 4"):
        ray_engine._start(Ray(4, 1), runs, 9, "Ada")


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
def test_two_workers_of_a_ray_finish_two_folds(workspace, config, sounds, until):
    pytest.importorskip("ray", reason="Ray is not installed (the extra ray)")
    small = {
        "data.dataset": sounds,
        "audio.sample_rate": 8000,
        "features.n_mels": 16,
        "optim.epochs": 1,
        "optim.batch_size": 4,
    }
    quick = {
        "model.name": "small_cnn",
        "runtime.precision": "fp32",
        "runtime.memory_format": "contiguous",
        "runtime.compile": "off",
    }
    experiment = create(workspace, config.changed(small | quick), queued=False)
    with ray_engine.working(make_ready(experiment), workers=2) as tasks:
        until(tasks.done, 300)
        assert tasks.troubles() == {}
    summary = summarise(experiment)
    assert [fold.state for fold in summary.folds] == ["finished", "finished"], [fold.error for fold in summary.folds]
    assert summary.official.clips == 16
    assert [run.config.runtime.threads for run in experiment.runs()] == [1, 1]
