"""A run of few clips: the built-in network joins in, hears what the run's front end gives, and the two are one classifier."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from labcore import builtin
from labcore.config import RunConfig
from labcore.evaluation.centroids import nearest_centroid
from labcore.events import Evaluated, Log
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.models.ensemble import Ensemble
from labcore.models.pretrained import load_pretrained
from labcore.runs import Run
from labcore.training import few_clips
from labcore.training.few_clips import DOUBT, EVEN, FREEDOM, SHARPNESS, band_map, linear
from labcore.training.loop import train

FEW = {"optim.epochs": 1, "data.train_recordings": 4}
FRONT = {
    "audio.sample_rate": 16_000,
    "features.n_fft": 768,
    "features.win_length": 768,
    "features.hop_length": 384,
    "features.n_mels": 64,
}


def chirps(rate: int) -> torch.Tensor:
    """Tones that rise from 100 to 6,000 Hz, with overtones, at a rate: (1, samples)."""
    time = torch.arange(2 * rate, dtype=torch.float64) / rate
    phase = 2 * torch.pi * 100 * (60 ** (time / 2) - 1) * 2 / np.log(60)
    return (0.3 * torch.sin(phase) + 0.05 * torch.sin(0.5 * phase)).float()[None]


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_what_the_built_in_network_is_given_is_what_its_own_front_end_would_have_given(rate):
    there = Classifier.load(builtin.RUN.path).log_mel
    here = LogMel(RunConfig().replace({"audio.sample_rate": rate}))
    here.mean += torch.linspace(-30, -50, 64)[:, None]
    here.deviation *= 13
    matrix, offset = band_map(here, there)
    mapped = (matrix @ here(chirps(rate)) + offset)[0]
    wanted = there(chirps(16_000))[0]
    frames = [round((mapped.shape[1] - 1) * share) for share in (0.2, 0.4, 0.6, 0.8)]
    for at, share in zip(frames, (0.2, 0.4, 0.6, 0.8), strict=True):
        other = wanted[:, round((wanted.shape[1] - 1) * share)]
        assert abs(int(mapped[:, at].argmax()) - int(other.argmax())) <= 1, (rate, share)
        assert float((mapped[:, at].max() - other.max()).abs()) * float(there.deviation.mean()) < 4  # dB


def test_noise_has_the_level_that_its_own_front_end_gives():
    there = Classifier.load(builtin.RUN.path).log_mel
    here = LogMel(RunConfig())
    generator = torch.Generator().manual_seed(0)
    matrix, offset = band_map(here, there)
    # the same power per Hz at either rate
    sounds = {
        log_mel: 0.1
        * (log_mel.sample_rate / 16_000) ** 0.5
        * torch.randn(1, 8 * log_mel.sample_rate, generator=generator)
        for log_mel in (here, there)
    }
    difference = (matrix @ here(sounds[here]) + offset)[0].mean(1) - there(sounds[there])[0].mean(1)
    assert float((difference * there.deviation[:, 0]).abs().median()) < 1.0  # dB


def clips_of(classes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Features of six clips a class, (clips, 12), the first without spread, and their class numbers."""
    generator = np.random.default_rng(0)
    targets = np.repeat(classes, 6)
    features = generator.normal(5, 3, (len(targets), 12)) + targets[:, None] * np.linspace(-1, 1, 12)
    features[:, 0] = 7.0
    return features, targets


@pytest.mark.parametrize("classes", [(0, 1, 3), (1, 3)])
def test_the_linear_classifier_is_the_mean_of_scikit_learns_and_of_the_centroids(classes):
    features, targets = clips_of(classes)
    weights, biases = linear(features, targets, 4)
    logits = features @ weights.T + biases
    standardised = (features - features.mean(0)) / np.sqrt(features.var(0) + EVEN * features.var(0).mean())
    standardised /= np.sqrt((standardised**2).mean())
    found = LogisticRegression(C=FREEDOM / 12, max_iter=1000).fit(standardised, targets)
    means = np.stack([standardised[targets == name].mean(0) for name in classes])
    cosines = standardised @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T / np.sqrt(12)
    wanted = softmax((found.predict_log_proba(standardised) + SHARPNESS * cosines) / 2, 1)
    given = softmax(logits, 1)
    assert given[:, list(classes)] == pytest.approx(wanted, abs=1e-4)
    assert given.sum(1) - given[:, list(classes)].sum(1) == pytest.approx(np.zeros(len(targets)), abs=1e-9)


def test_the_centroids_are_those_of_the_baseline(monkeypatch):
    features, targets = clips_of((0, 1, 3))
    others = np.random.default_rng(1).normal(5, 3, (50, 12))
    monkeypatch.setattr(few_clips, "SHARPNESS", 1e4)
    monkeypatch.setattr(few_clips, "EVEN", 0.0)
    weights, biases = linear(features, targets, 4)
    assert list((others @ weights.T + biases).argmax(1)) == list(nearest_centroid(features, targets, others))


@pytest.fixture(scope="module")
def few(tiny):
    """A finished run of four clips a class with a front end that the built-in network can hear, and its events."""
    config = tiny.config.replace(FRONT | FEW)
    run, events = Run.create(tiny.workspace, config), []
    for event in train(config, run, tiny.workspace):
        run.append(event)
        events.append(event)
    return run, events


def test_the_two_are_one_classifier(few):
    run, events = few
    told = [event.message for event in events if isinstance(event, Log)]
    assert any(message.startswith("12 training clips of 3 classes are few: a linear classifier") for message in told)
    classifier = Classifier.load(run.path)
    assert isinstance(classifier.network, Ensemble)
    assert [member.name for member in classifier.members] == ["compact", "transferred"]
    known = Classifier.load(builtin.RUN.path).network.state_dict()
    body = classifier.network.members[1].get_submodule("1").state_dict()
    assert all(torch.equal(body[name], known[name]) for name in known if known[name].shape == body[name].shape)
    assert classifier.verify() is not None
    result = next(event for event in events if isinstance(event, Evaluated))
    assert result.accuracy >= 10 / 12  # after one epoch the trained network alone knows nothing


def test_the_trained_network_can_be_trained_on(few):
    run, _ = few
    classifier = Classifier.load(run.path)
    model = run.config.model.model_copy(update={"pretrained": str(run.path)})
    fresh = Classifier(run.config, classifier.labels).network
    told = load_pretrained(fresh, model)
    trained = classifier.network.members[0].state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in fresh.state_dict().items()), told


def test_of_hardly_more_than_a_clip_a_class_the_trained_network_is_less_sure(tiny):
    networks = []
    for changes in ({}, {"model.few_clips": "off"}):
        config = tiny.config.replace(FRONT | FEW | {"data.train_recordings": 1} | changes)
        run = Run.create(tiny.workspace, config)
        list(train(config, run, tiny.workspace))
        networks.append(Classifier.load(run.path).network)
    (trained, _), alone = networks[0].members, networks[1]
    images = torch.randn(2, 1, 64, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(trained(images) * DOUBT, alone(images), atol=1e-4)


def test_a_front_end_that_it_cannot_hear_is_told_and_the_network_stays_alone(tiny):
    run = Run.create(tiny.workspace, tiny.config)
    told = [event.message for event in train(tiny.config.replace(FEW), run, tiny.workspace)
            if isinstance(event, Log)]  # fmt: skip
    assert any("the built-in network cannot help: it hears 64 mel bands" in message for message in told)
    assert not isinstance(Classifier.load(run.path).network, Ensemble)
