"""The copy of a network that predictions come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from labcore.config import ModelConfig, RunConfig
from labcore.inference.classifier import Classifier
from labcore.models import REGISTRY, build_network
from labcore.models.ensemble import Ensemble
from labcore.models.folded import folded


def trained(name: str, seed: int = 0) -> nn.Module:
    """With statistics of its own in the normalisations."""
    torch.manual_seed(seed)
    network = build_network(ModelConfig(name=name), 4).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 1, 32, 40) * 2 + 1)
    return network.eval()


def kinds(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


@pytest.mark.parametrize("name", [*sorted(REGISTRY), "ensemble"])
def test_normalisations_are_folded_and_nothing_else_changes(name):
    network = Ensemble([trained("compact"), trained("compact", 1)]) if name == "ensemble" else trained(name)
    images = torch.randn(3, 1, 32, 40)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    quick = folded(network.eval(), images)
    with torch.inference_mode():
        torch.testing.assert_close(quick(images), network(images), rtol=1e-4, atol=1e-5)
    assert kinds(quick, nn.BatchNorm2d) == 0
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


class Elsewhere(nn.Module):
    """Its normalisation is registered after a convolution and used before it."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels_in, 2, 1), nn.BatchNorm2d(2)

    def forward(self, images):
        return self.conv(self.norm(images.expand(-1, 2, -1, -1)[:, : self.conv.in_channels])).mean((2, 3))


def test_a_network_that_is_built_otherwise_stays_as_it_is():
    network = Elsewhere(2)
    network.norm.running_mean += 3.0
    network.eval()
    assert folded(network, torch.randn(2, 1, 8, 8)) is network


def test_a_loaded_classifier_predicts_from_it_and_is_saved_as_it_was(tmp_path):
    config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 1.0})
    made = Classifier(config, ["a", "b", "c", "d"], trained("compact")).eval()
    made.save(tmp_path / "weights.safetensors")
    loaded = Classifier.load(tmp_path / "weights.safetensors")
    assert kinds(loaded.routes.eager(loaded).network, nn.BatchNorm2d) == 0
    windows = np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32) * 0.1
    np.testing.assert_allclose(loaded.predict_proba(windows), made.predict_proba(windows), atol=1e-5)
    for one, other in zip(loaded.predict_with_embeddings(windows), made.predict_with_embeddings(windows), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert loaded.to_bytes() == made.to_bytes()
