import json
import threading

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from labcore.audio import dequantise, quantise
from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import NONE_OF_THESE
from labcore.inference.unknown import FARTHEST, Unknown, of_clip, reference_sounds
from tests.small import SMALL

RATE = 8000


class Levels(nn.Module):
    """Always says "a", as surely as can be; its embedding is the level of each mel band."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 2)
        nn.init.zeros_(self.head.weight)
        self.head.bias.data = torch.tensor([9.0, 0.0])

    def forward(self, images):
        return self.head(images[:, 0].mean(2))


def chirp(seconds=0.25, seed=0):
    """What the classifier knows: a sweep, not quite the same each time."""
    time, generator = np.arange(round(seconds * RATE)) / RATE, np.random.default_rng(seed)
    slope = generator.uniform(2500, 3500)
    return (0.3 * np.sin(2 * np.pi * (300 + slope * time) * time)).astype(np.float32)


@pytest.fixture
def classifier():
    made = Classifier(RunConfig().replace(SMALL), ["a", "b"], Levels()).eval()

    def embeddings(waveforms):
        return made.predict_with_embeddings(np.stack([dequantise(*quantise(each)) for each in waveforms]))[1]

    clips, held_out = ([chirp(seed=seed) for seed in seeds] for seeds in (range(30), range(100, 140)))
    unknown = Unknown.of(embeddings(clips), embeddings(reference_sounds(made.config.clip_samples, RATE)))
    made.unknown = unknown.fitted(unknown.scores(embeddings(held_out)), 0.05, "40 clips")
    return made


def sounds():
    """Other tones and levels of noise than those that it is compared with."""
    time, generator = np.arange(RATE // 4) / RATE, np.random.default_rng(9)
    yield from (0.1 * np.sin(2 * np.pi * hz * time) for hz in (200, 440, 1000, 3000))
    yield from (level * generator.standard_normal(len(time)) for level in (0.003, 0.03, 0.3))


def test_tones_noise_and_silence_are_none_of_the_classes(classifier):
    for sound in sounds():
        prediction = classifier.classify_waveform(sound.astype(np.float32))
        assert (prediction.label, prediction.unknown, prediction.nearest) == (NONE_OF_THESE, True, "a")
        assert prediction.windows[0].label == NONE_OF_THESE
        assert prediction.probability > 0.99  # that of the class all the same
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert classifier.classify_waveform(np.zeros(2000, dtype=np.float32)).label == NONE_OF_THESE


def test_so_many_known_clips_are_refused_as_was_asked_for(classifier):
    refused = [classifier.classify_waveform(chirp(seed=seed)).unknown for seed in range(100, 140)]
    assert sum(refused) <= 2  # of 40
    assert classifier.unknown.fitted(np.arange(100.0), 0.1, "").threshold.value == pytest.approx(89.1)


def test_switched_off_only_digital_silence_is_none_of_the_classes(classifier):
    classifier.unknown = classifier.unknown.switched(False)
    assert {classifier.classify_waveform(sound.astype(np.float32)).label for sound in sounds()} == {"a"}
    silence = classifier.classify_waveform(np.zeros(6000, dtype=np.float32))
    assert (silence.label, silence.unknown) == (NONE_OF_THESE, True)
    classifier.labels = ["Silence", "b"]  # somebody taught it what that is
    assert classifier.classify_waveform(np.zeros(6000, dtype=np.float32)).label == "Silence"


def test_a_recording_is_refused_where_most_of_its_windows_are(classifier):
    tone = np.tile(next(sounds()).astype(np.float32), 3)
    mostly = classifier.classify_waveform(np.concatenate([chirp(), tone]), hop_seconds=0.25)
    assert [window.unknown for window in mostly.windows] == [False, True, True, True]
    assert mostly.unknown
    less = classifier.classify_waveform(np.concatenate([chirp(), chirp(seed=1), tone[:2000]]), hop_seconds=0.25)
    assert (less.unknown, less.label) == (False, "a")
    assert of_clip(np.array([0.0, 9.0])) == 0.0


def test_it_lies_in_the_weights_and_older_ones_have_none(tmp_path):
    made = Classifier(RunConfig().replace(SMALL), ["a", "b"])
    assert Classifier.from_bytes(made.to_bytes()).unknown is None
    generator = np.random.default_rng(0)
    clips, references = generator.normal(size=(40, 8)), generator.normal(size=(5, 8))
    made.unknown = Unknown.of(clips, references).fitted(np.arange(50.0), 0.1, "50 clips")
    made.save(tmp_path / "weights.safetensors")
    loaded = Classifier.load(tmp_path / "weights.safetensors")
    assert loaded.unknown.threshold == made.unknown.threshold
    assert np.array_equal(loaded.unknown.clips, made.unknown.clips)
    assert loaded.to_bytes() == made.to_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tensors, facts: tensors.pop("unknown.clips"),
        lambda tensors, facts: tensors.update({"unknown.clips": torch.zeros(0, 8).half()}),
        lambda tensors, facts: tensors.update({"unknown.clips": torch.zeros(5000, 8).half()}),
        lambda tensors, facts: tensors.update({"unknown.references": torch.zeros(5, 9).half()}),
        lambda tensors, facts: tensors.update({"unknown.references": torch.zeros(5, 8)}),
        lambda tensors, facts: tensors.update({"unknown.more": torch.zeros(5, 8).half()}),
        lambda tensors, facts: facts.pop("unknown"),
        lambda tensors, facts: facts.update(unknown={"value": -1, "scale": 1}),
    ],
)
def test_what_does_not_fit_is_told(spoil):
    made = Classifier(RunConfig().replace(SMALL), ["a", "b"])
    made.unknown = Unknown.of(np.ones((4, 8)), np.zeros((5, 8)))
    content = made.to_bytes()
    tensors = safetensors.torch.load(content)
    size = int.from_bytes(content[:8], "little")
    facts = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["labcore"])
    spoil(tensors, facts)
    with pytest.raises(RunError):
        Classifier.from_bytes(safetensors.torch.save(tensors, {"labcore": json.dumps(facts)}))


def test_scores_are_numbers_whatever_the_network_gives():
    unknown = Unknown.of(np.ones((4, 8)), np.zeros((0, 8)))
    rows = np.array([[np.nan] * 8, [np.inf] * 8, [1.0] * 8])
    *lost, near = unknown.scores(rows).tolist()
    assert all(1e5 < score <= FARTHEST for score in lost)
    assert near == 0.0


def test_threads_do_not_take_each_others_embeddings(classifier):
    sound = [chirp(seed=1), next(sounds()).astype(np.float32)]
    alone = [classifier.predict_rows(each[None]) for each in sound]
    wrong = []

    def ask(number):
        for _ in range(20):
            wrong.extend([] if np.allclose(classifier.predict_rows(sound[number][None]), alone[number]) else [number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
