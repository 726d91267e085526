"""Nothing mixes devices: what is on a GPU meets only what is on it.

Where there is no GPU, torch's fake tensors stand in, see tests/fake_gpu.py. Training is in tests/training/test_on_a_gpu.py.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch

from labcore import device as devices
from labcore import nvml
from labcore.augment import Augmentation
from labcore.config import RunConfig
from labcore.device import _auto_gpu, choose_device, cuda_count, gpu_count, is_out_of_memory, open_gpus
from labcore.errors import DeviceError
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.inference.embed import features_of
from labcore.inference.grad_cam import grad_cam
from labcore.inference.resident_clips import ResidentClips
from labcore.models import REGISTRY, build_network
from labcore.models.ensemble import Ensemble
from labcore.models.folded import folded
from labcore.models.transferred import TRANSFERRED
from tests.fake_gpu import GPU, FakeGpu

EVERYTHING = {
    "augment.noise": 0.5,
    "augment.reverb": 0.5,
    "augment.speed": 0.1,
    "augment.mixup": 0.5,
    "augment.masks": 2,
    "model.dropout": 0.3,
}


@pytest.fixture
def gpu(monkeypatch):
    return FakeGpu(monkeypatch)


@pytest.mark.parametrize("recording", [None, torch.ones(20000)], ids=["made noise", "recorded noise"])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_training_chain_stays_on_one_device(gpu, recording, scale):
    config = RunConfig().replace(EVERYTHING | {"features.mel_scale": scale})
    chain = gpu.module(Augmentation(config.augment, LogMel(config), 100, recording))
    with gpu.working():
        targets = torch.rand(4, 3, device="cuda")
        for cut in (torch.rand(4, 60000, device="cuda"), torch.rand(4, chain.frames_needed, 64, device="cuda")):
            images, mixed = chain(cut, targets, mixing=True)
            assert images.device == mixed.device == GPU
            assert images.shape == (4, 64, 100)
    assert gpu.waits == []


@pytest.mark.parametrize("name", [*sorted(REGISTRY), "ensemble"])
def test_networks_stay_on_one_device_and_wait_for_nothing(gpu, name):
    network = network_called(name).eval()
    with gpu.working(), torch.inference_mode():
        images = torch.rand(4, 1, 64, 100, device="cuda")
        gpu.module(network)
        with features_of(network) as features:
            logits = network(images)
            assert logits.device == features.take(4, logits.device).device == GPU
        made = folded(network, images)
        assert made(images).device == GPU
    assert len(gpu.waits) == 1  # to see whether the folded network gives the same


def network_called(name):
    models = ["compact", TRANSFERRED] if name == "ensemble" else [name]
    made = [
        build_network(RunConfig().replace(EVERYTHING).model.model_copy(update={"name": each}), 5) for each in models
    ]
    return Ensemble(made) if name == "ensemble" else made[0]


def test_what_is_asked_of_a_classifier_comes_back_from_the_gpu(gpu):
    config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 1.0})
    classifier = gpu.module(Classifier(config, ["a", "b", "c"]).eval())
    assert classifier.device == GPU
    sound = np.zeros(20000, dtype=np.float32)
    with gpu.working():
        assert len(classifier.classify_waveform(sound).windows) == 4
        assert classifier.embeddings_of(sound.astype(np.int16), 1.0, [(0, 8000)]).shape == (1, 512)
        waves = gpu.clips(ResidentClips(torch.zeros(40000), torch.tensor([0, 8000, 20000, 40000]), None, GPU))
    gpu.waits.clear()
    with gpu.working():
        clips = waves.windows(torch.tensor([0, 2]), torch.tensor([5, -100]), 8000, around=True)
        assert classifier.log_mel(clips).device == clips.device == GPU
    assert gpu.waits == []


def test_a_gpu_that_is_fake_tells_of_what_would_fail_or_wait_on_one(gpu):
    with gpu.working():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        with pytest.raises(RuntimeError, match=r"(two different|at least two) devices"):
            _ = there + here
        with pytest.raises(Exception, match="nonzero"):
            _ = there[there > 0]
        for wait in (
            lambda: float(there.sum()),
            lambda: bool(there.any()),
            lambda: here.to("cuda"),
            lambda: there.cpu(),
        ):
            gpu.waits.clear()
            wait()
            assert len(gpu.waits) == 1
        gpu.waits.clear()
        here.to("cuda", non_blocking=True)
        assert (gpu.waits, float(here.sum())) == ([], 1.0)
        with pytest.raises(AssertionError, match="no array"):
            there.numpy()


def test_a_gpu_that_fails_while_torch_starts_it_is_left_alone(monkeypatch):
    """torch's error of that is none of its usual ones."""

    def fails(*given, **options):
        raise torch.cuda.DeferredCudaCallError("CUDA call failed lazily at initialization with error: device >= 0")

    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "ones", fails)
    choice = choose_device("auto")
    assert (choice.device, choice.reason[:20]) == ("cpu", "a test kernel failed")
    with pytest.raises(DeviceError, match="there is 1 GPU, numbered from cuda:0"):
        choose_device("cuda:1")


@pytest.mark.parametrize(
    ("cards", "reason"), [(0, "no NVIDIA GPU found"), (2, "cannot use this machine's 2 NVIDIA GPUs")]
)
def test_a_gpu_that_torch_does_not_see_is_not_said_to_be_missing(monkeypatch, cards, reason):
    """As where the driver is older than this torch, or a variable hides the card."""
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(nvml, "count", lambda library: cards)
    choice = choose_device("auto")
    assert choice.device == "cpu"
    assert reason in choice.reason


@pytest.mark.parametrize(("mode", "count"), [((0, 0), 2), ((1, 1), 1), (None, 2)])
def test_of_divided_cards_those_count_that_cuda_gives(monkeypatch, mode, count):
    """Else a run on all GPUs ended for one that is not there, and the queue gave it jobs, which took the CPU."""
    monkeypatch.setattr(nvml, "count", lambda library: 2)
    monkeypatch.setattr(nvml, "handles", lambda library: [(0, "first"), (1, "second")])
    monkeypatch.setattr(nvml, "ask", lambda library, function, handle: mode)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch._C, "_cuda_getDeviceCount", lambda: 1, raising=False)
    assert gpu_count() == cuda_count() == count
    assert len(open_gpus()) == (2 if count == 2 else 0)


def test_of_several_gpus_one_that_others_have_filled_is_left_to_them(monkeypatch):
    shares = {0: 0.97, 1: 0.6, 2: 0.4, 3: 0.02}
    monkeypatch.setattr("labcore.device.gpu_count", lambda: 4)
    monkeypatch.setattr(nvml, "filled", shares.get)
    assert open_gpus() == (
        "cuda:2",
        "cuda:3",
        "cuda:1",
        "cuda:0",
    )  # below a half the first one is as good as an empty one
    asked = []
    monkeypatch.setattr("labcore.device._trouble", lambda device: asked.append(device) or "it is broken")
    monkeypatch.delenv("LABCORE_AUTO_DEVICE", raising=False)
    _auto_gpu.cache_clear()
    choose_device("auto")
    shares[2] = 0.9  # this process itself
    choose_device("auto")
    _auto_gpu.cache_clear()
    assert asked == ["cuda:2", "cuda:2"]


def test_a_job_that_leaves_its_device_open_takes_the_gpu_that_the_queue_gave_it(monkeypatch):
    asked = []
    monkeypatch.setattr("labcore.device._trouble", lambda device: asked.append(device) or "it is broken")
    monkeypatch.setenv("LABCORE_AUTO_DEVICE", "cuda:2")
    assert choose_device("auto").device == "cpu"
    with pytest.raises(DeviceError):
        choose_device("cuda")
    assert asked == ["cuda:2", "cuda:0"]


@pytest.mark.gpu
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_classifier_says_the_same_on_a_gpu(name):
    config = RunConfig().replace({"model.name": name, "audio.sample_rate": 8000, "audio.clip_seconds": 1.0})
    torch.manual_seed(0)
    classifier = Classifier(config, ["a", "b", "c"]).eval()
    sound = np.random.default_rng(0).standard_normal(20000).astype(np.float32) * 0.1
    told, seen = [], []
    for device in ("cpu", "cuda"):
        classifier.to(device)
        prediction = classifier.classify_waveform(sound)
        told.append([list(window.probabilities.values()) for window in prediction.windows])
        seen.append(grad_cam(classifier, sound, "b"))
    np.testing.assert_allclose(*told, atol=2e-3)
    np.testing.assert_allclose(*seen, atol=0.05)


def test_what_counts_as_out_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert is_out_of_memory(
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`")
    )
    assert is_out_of_memory(RuntimeError("FIND was unable to find an engine to execute this computation"))
    assert not is_out_of_memory(RuntimeError("size mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_real_allocation_that_cannot_succeed_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("told", "name", "cores"),
    [
        ({"machdep.cpu.brand_string": "Apple M3", "hw.perflevel0.physicalcpu": "4"}, "Apple M3, 4 cores", 4),
        ({}, "arm, 8 cores", 8),
    ],
)
def test_a_mac_by_its_name_and_its_performance_cores(monkeypatch, told, name, cores):
    """Else every Mac is called arm, and a step waits for its share on the slow cores."""

    class Missing:
        def __init__(self, path):
            pass

        def open(self):
            raise FileNotFoundError

    class Cgroup:
        def cores(self):
            return None

    monkeypatch.setattr(devices, "Path", Missing)
    monkeypatch.setattr(devices, "Cgroup", Cgroup)
    monkeypatch.setattr(devices, "_sysctl", lambda wanted: told.get(wanted, ""))
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delattr(os, "sched_getaffinity")
    assert (devices.cpu_name(), devices.usable_cores()) == (name, cores)


def test_apples_gpu_is_not_used_and_that_is_said(monkeypatch):
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    choice = choose_device("auto")
    assert (choice.device, choice.reason) == ("cpu", "the lab does not use Apple's GPU")
    with pytest.raises(DeviceError, match="cuda cannot be used: the lab does not use Apple's GPU"):
        choose_device("cuda")


def test_macos_is_asked_by_sysctl(monkeypatch):
    asked = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "Apple M3\n")

    ask = devices._sysctl.__wrapped__
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "platform", "linux")
    assert (ask("machdep.cpu.brand_string"), asked) == ("", [])
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ask("machdep.cpu.brand_string") == "Apple M3"
    assert asked == [["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]]
