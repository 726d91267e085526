"""Where a network looks: on sounds of which it is known where the evidence lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from labcore.config import ModelConfig, RunConfig
from labcore.errors import ConfigError
from labcore.inference.classifier import Classifier
from labcore.inference.grad_cam import grad_cam, maps_of
from labcore.models import REGISTRY, build_network
from labcore.models.ensemble import Ensemble

RATE = 8000
BURST = slice(5000, 6600)
"""Samples in which the tone sounds."""
CONFIG = RunConfig().replace(
    {"audio.sample_rate": RATE, "audio.clip_seconds": 1.0, "features.n_mels": 32, "model.width": 0.25}
)


def burst_in_noise(noise, tone, seed: int, samples: slice | None = BURST) -> np.ndarray:
    sound = noise(1.0, RATE, level=0.02, seed=seed)
    if samples is not None:
        sound[samples] += tone(1000.0, (samples.stop - samples.start) / RATE, RATE)
    return sound


def inside(found: np.ndarray, classifier: Classifier, samples: slice) -> tuple[float, float]:
    """Mean of a map over the frames of a burst, and over the others, two frames away from it."""
    hop = classifier.log_mel.hop_length
    first, last = samples.start // hop, samples.stop // hop
    margin = found.shape[1] // 8  # the map is as fine as the layer it is of
    there = found[:, first : last + 1]
    others = np.concatenate([found[:, : max(0, first - margin)], found[:, last + 1 + margin :]], 1)
    return float(there.mean()), float(others.mean())


@pytest.fixture(scope="module")
def trained(noise, tone) -> Classifier:
    """A compact network that has learnt to tell a tone burst in noise, anywhere in the clip, from noise alone."""
    torch.manual_seed(0)
    classifier = Classifier(CONFIG, ["burst", "noise"])
    starts = np.random.default_rng(0).integers(0, RATE - 1600, 16)
    sounds = [burst_in_noise(noise, tone, n, slice(start, start + 1600)) for n, start in enumerate(starts)]
    sounds += [burst_in_noise(noise, tone, 100 + n, None) for n in range(16)]
    with torch.no_grad():
        images = classifier.log_mel(torch.from_numpy(np.stack(sounds)))[:, None]
        classifier.log_mel.mean += images.mean()
        classifier.log_mel.deviation *= images.std()
        images = (images - images.mean()) / images.std()
    targets = torch.arange(2).repeat_interleave(16)
    weights = list(classifier.network.parameters())
    for _ in range(15):
        loss = nn.functional.cross_entropy(classifier.network.train()(images), targets)
        with torch.no_grad():
            for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight -= 0.1 * gradient
    return classifier.eval()


def test_a_network_looks_at_the_tone_burst(trained, noise, tone):
    sound = burst_in_noise(noise, tone, 999)
    assert trained.classify_waveform(sound).label == "burst"
    found = grad_cam(trained, sound, "burst")
    assert found.shape == (32, trained.log_mel.frames(RATE))
    assert found.min() >= 0
    assert found.max() == pytest.approx(1)
    there, elsewhere = inside(found, trained, BURST)
    assert there > 3 * elsewhere


def test_values_worked_out_by_hand():
    """Logit = mean of relu(x): each cell has the same gradient, so that the map is relu(x) times that."""
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2)
    )
    with torch.no_grad():
        network[0].weight.fill_(1)
        network[0].bias.zero_()
        network[4].weight.copy_(torch.tensor([[2.0], [-2.0]]))
    image = torch.tensor([[[[1.0, -1.0, 3.0], [0.0, 2.0, -5.0]]]])
    expected = 2 / 6 * torch.tensor([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]])
    assert torch.allclose(maps_of(network, image, 0)[0], expected)
    assert not maps_of(network, image, 1).any()  # what speaks against a class is left out
    assert not any(module._forward_hooks for module in network.modules())


def test_clips_of_other_lengths_than_a_window_keep_their_axes(trained, noise, tone):
    long = np.concatenate([noise(2.0, RATE, level=0.02, seed=1), burst_in_noise(noise, tone, 2)])
    found = grad_cam(trained, long, "burst")
    assert found.shape[1] == trained.log_mel.frames(3 * RATE)
    later = slice(BURST.start + 2 * RATE, BURST.stop + 2 * RATE)
    there, elsewhere = inside(found, trained, later)
    assert there > 3 * elsewhere
    short = burst_in_noise(noise, tone, 3)[4000:7000]
    assert grad_cam(trained, short, "burst").shape[1] == trained.log_mel.frames(3000)


@pytest.mark.parametrize("name", [*REGISTRY, "timm:resnet10t", "timm:convnext_atto"])
def test_every_architecture_has_a_map(name):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    torch.manual_seed(0)
    network = build_network(ModelConfig(name=name, width=0.25), 3)
    for parameter in network.parameters():
        parameter.requires_grad_(False)  # a frozen network looks somewhere too
    images = torch.randn(2, 1, 40, 64)
    found = torch.stack([maps_of(network, images, target) for target in range(3)])
    assert found.shape == (3, 2, 40, 64)
    assert (found.amax((0, 2, 3)) > 0).all()
    alone = maps_of(network, images[1:], 2)
    assert torch.allclose(found[2, 1:], alone, rtol=1e-3, atol=1e-6)  # windows of a batch do not mix


def test_channels_that_come_last():
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wide, self.head = nn.Linear(1, 8), nn.Linear(8, 2)

        def forward(self, images):
            return self.head(self.wide(images.permute(0, 2, 3, 1)).relu().mean((1, 2)))

    torch.manual_seed(0)
    found = maps_of(Last(), torch.randn(1, 1, 20, 50), 0)
    assert found.shape == (1, 20, 50)


def test_members_of_an_ensemble_count_alike():
    torch.manual_seed(0)
    members = [build_network(ModelConfig(name="compact", width=0.25), 2) for _ in range(2)]
    images = torch.randn(1, 1, 32, 40)
    alone = [maps_of(member, images, 0) for member in members]
    expected = sum(each / each.max().clamp(min=1e-12) for each in alone) / 2
    assert torch.allclose(maps_of(Ensemble(members), images, 0), expected, atol=1e-6)


def test_a_network_without_a_map_says_so(noise):
    classifier = Classifier(CONFIG, ["a", "b"], nn.Sequential(nn.Flatten(), nn.LazyLinear(2)))
    classifier(torch.zeros(1, RATE))
    with pytest.raises(ConfigError, match="no layer with a map"):
        grad_cam(classifier, noise(1.0, RATE), "a")
    with pytest.raises(ConfigError, match="no class 'c'"):
        grad_cam(classifier, noise(1.0, RATE), "c")
