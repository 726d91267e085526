"""Crops that avoid silence, and answers to clips of several windows that are not watered down by it."""

import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.evaluation.eval_set import EvalSet
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import ResidentClips, mel_cache, random_starts
from labcore.training.sampler import CropSampler

RATE = 8000
CONFIG = RunConfig().replace({"audio.sample_rate": RATE, "audio.clip_seconds": 1.0, "features.n_mels": 16})


def sound(*parts, seed=0):
    """int16 noise of (seconds, level) after one another."""
    draw = np.random.default_rng(seed)
    return np.concatenate([draw.normal(0, level, int(seconds * RATE)) for seconds, level in parts]).astype(np.int16)


CLIPS = [
    sound((1.5, 0), (0.2, 8000), (8.3, 0)),  # a bark in ten seconds
    sound((6.0, 3000), seed=1),  # sound throughout
    sound((0.4, 3000), seed=2),  # shorter than a crop
    sound((2.0, 20), (0.3, 9000), (4.0, 20), seed=3),  # a knock in faint hiss
    sound((3.0, 0)),  # nothing at all
]


def waves():
    offsets = torch.tensor([0, *np.cumsum([len(clip) for clip in CLIPS])])
    values = torch.from_numpy(np.concatenate(CLIPS))
    return ResidentClips(values, offsets, torch.full((len(CLIPS),), 1 / 32767), torch.device("cpu"))


@pytest.fixture(params=["waveforms", "mel powers"])
def resident(request):
    return waves() if request.param == "waveforms" else mel_cache(waves(), LogMel(CONFIG))


def energy(resident, rows, starts, window):
    return resident.windows(rows, starts, window, around=True).double().square().flatten(1).sum(1)


def test_crops_hold_sound_and_stay_random(resident):
    window = RATE if resident.values.dim() == 1 else LogMel(CONFIG).frames(RATE)
    crops = CropSampler(resident, torch.arange(len(CLIPS)), window)
    for clip in (0, 3):
        rows = torch.full((400,), clip)
        torch.manual_seed(0)
        starts = crops.starts(rows, shift=window // 10)
        held = energy(resident, rows, starts, window)
        torch.manual_seed(0)
        plain = energy(resident, rows, random_starts(resident.lengths[rows], window, window // 10), window)
        loud = held.max() / 100
        assert (plain > loud).float().mean() < 0.5
        assert (held > loud).float().mean() > 2 * (plain > loud).float().mean()
        assert len(starts[held > loud].unique()) > 5


def test_where_there_is_sound_everywhere_the_draws_are_those_of_before(resident):
    window = RATE if resident.values.dim() == 1 else LogMel(CONFIG).frames(RATE)
    crops = CropSampler(resident, torch.arange(len(CLIPS)), window)
    for clip in (1, 2, 4):
        rows = torch.full((50,), clip)
        torch.manual_seed(1)
        starts, next_draw = crops.starts(rows, 100), torch.rand(3)
        torch.manual_seed(1)
        assert torch.equal(starts, random_starts(resident.lengths[rows], window, 100))
        assert torch.equal(next_draw, torch.rand(3))


def test_the_seed_decides(resident):
    crops = CropSampler(resident, torch.arange(len(CLIPS)), RATE if resident.values.dim() == 1 else 40)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(crops.starts(torch.arange(len(CLIPS)).repeat(20), 10))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_clips_no_longer_than_a_crop_cost_nothing(resident):
    crops = CropSampler(resident, torch.arange(len(CLIPS)), int(resident.lengths.max()))
    assert not len(crops.sums)


@pytest.mark.parametrize("silent", ["skip", "count"])
def test_held_out_clips_and_classification_agree_and_pass_over_silence(silent):
    torch.manual_seed(0)
    classifier = Classifier(
        CONFIG.replace({"audio.silent_windows": silent, "model.width": 0.25}), ["a", "b", "c"]
    ).eval()
    held_out = EvalSet(classifier, waves(), np.arange(len(CLIPS))).probabilities()
    for row, clip in zip(held_out, CLIPS, strict=True):
        answer = classifier.classify_waveform(clip.astype(np.float32) / 32767)
        np.testing.assert_allclose(row, [*answer.probabilities.values()], atol=1e-6)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    bark = classifier.classify_waveform(CLIPS[0].astype(np.float32) / 32767)
    every = np.array([[*window.probabilities.values()] for window in bark.windows])
    heard = [number for number, window in enumerate(bark.windows) if window.start_s < 1.7 and window.end_s > 1.5]
    assert 0 < len(heard) < len(every)
    expected = every[heard].mean(0) if silent == "skip" else every.mean(0)
    np.testing.assert_allclose([*bark.probabilities.values()], expected, atol=1e-6)
