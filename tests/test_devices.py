"""Nothing mixes devices: what is on a GPU meets only what is on it.

Where there is no GPU, torch's fake tensors stand in: they have a shape, a kind and a device, and an operation on two devices is an error.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

from labcore.augment import Augmentation
from labcore.config import RunConfig
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.inference.embed import features_of
from labcore.inference.grad_cam import grad_cam
from labcore.models import REGISTRY, build_network

EVERYTHING = {
    "augment.noise": 0.5,
    "augment.reverb": 0.5,
    "augment.speed": 0.1,
    "augment.mixup": 0.5,
    "augment.masks": 2,
    "model.dropout": 0.3,
}


def on_a_fake_gpu(mode: FakeTensorMode, module: nn.Module) -> nn.Module:
    """The module itself, with fake parameters and buffers."""
    with mode:
        for part in module.modules():
            for store in (part._parameters, part._buffers):
                for name, value in store.items():
                    if value is not None:
                        fake = mode.from_tensor(value).detach().to("cuda")
                        store[name] = nn.Parameter(fake) if store is part._parameters else fake
    return module


@pytest.mark.parametrize("recording", [None, torch.ones(20000)], ids=["made noise", "recorded noise"])
@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_the_training_chain_stays_on_one_device(recording, scale):
    config = RunConfig().replace(EVERYTHING | {"features.mel_scale": scale})
    chain = Augmentation(config.augment, LogMel(config), 100, recording)
    mode = FakeTensorMode()
    on_a_fake_gpu(mode, chain)
    with mode:
        targets = torch.rand(4, 3, device="cuda")
        for cut in (torch.rand(4, 60000, device="cuda"), torch.rand(4, chain.frames_needed, 64, device="cuda")):
            images, mixed = chain(cut, targets, mixing=True)
            assert images.device.type == mixed.device.type == "cuda"
            assert images.shape == (4, 64, 100)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_networks_stay_on_one_device(name):
    mode = FakeTensorMode()
    network = on_a_fake_gpu(
        mode, build_network(RunConfig().replace(EVERYTHING | {"model.name": name}).model, 5).train()
    )
    with mode, features_of(network) as features:
        logits = network(torch.rand(4, 1, 64, 100, device="cuda"))
        assert logits.device.type == "cuda"
        assert features.take(4, logits.device).device.type == "cuda"


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
