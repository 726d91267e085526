import importlib.util
import sys

import librosa
import numpy as np
import pytest
import torch

import labcore.features
from labcore.audio import decode
from labcore.config import RunConfig
from labcore.errors import LabError
from labcore.features import LogMel


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"features.mel_scale": "slaney", "features.mel_norm": "slaney", "features.window": "blackman"},
        {"audio.sample_rate": 8000, "features.n_fft": 512, "features.win_length": 400, "features.hop_length": 160},
    ],
)
def test_agrees_with_librosa(changes):
    config = RunConfig().replace(changes)
    waveform = np.random.default_rng(0).normal(0, 0.1, 20000).astype(np.float32)
    log_mel = LogMel(config)
    ours = log_mel.decibels(log_mel.power(torch.from_numpy(waveform)[None]))[0].numpy()
    power = librosa.feature.melspectrogram(
        y=waveform,
        sr=config.sample_rate,
        **config.framing._asdict(),
        n_mels=config.features.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=config.features.mel_scale == "htk",
        norm=None if config.features.mel_norm == "none" else config.features.mel_norm,
        window=config.features.window,
        pad_mode="constant",
    )
    theirs = librosa.power_to_db(power, ref=1.0, amin=10 ** (config.features.floor_db / 10), top_db=None)
    assert ours.shape == theirs.shape == (config.features.n_mels, log_mel.frames(len(waveform)))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert np.abs(10 ** (ours / 10) - 10 ** (theirs / 10)).max() / power.max() < 1e-4


def test_normalisation_gives_mean_zero_and_deviation_one_per_band():
    log_mel = LogMel(RunConfig())
    decibels = log_mel.decibels(log_mel.power(torch.randn(8, 32000) * 0.05))
    frames = decibels.transpose(0, 1).flatten(1).double()
    log_mel.fit(frames.sum(1), frames.square().sum(1), frames.shape[1])
    normalised = log_mel.normalise(decibels)
    torch.testing.assert_close(normalised.mean((0, 2)), torch.zeros(64), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalised.std((0, 2)), torch.ones(64), atol=1e-2, rtol=0)


def test_silence_is_finite_and_at_the_floor():
    log_mel = LogMel(RunConfig())
    assert torch.equal(
        log_mel.decibels(log_mel.power(torch.zeros(1, 4000))), torch.full((1, 64, log_mel.frames(4000)), -80.0)
    )


def test_only_the_normalisation_is_saved():
    assert set(LogMel(RunConfig()).state_dict()) == {"mean", "deviation"}


def test_bands_that_hear_nothing_are_counted():
    assert LogMel(RunConfig()).empty_bands == 0
    changes = {"features.n_mels": 256, "features.n_fft": 256, "features.win_length": 256, "features.hop_length": 128}
    assert LogMel(RunConfig().replace(changes)).empty_bands > 50


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16000, 32000, 44100, 48000, 96000, 192_000, 384_000, 500_000])
@pytest.mark.parametrize("seconds", [0.3, 1.0, 5.0])
def test_no_band_is_empty_at_any_rate_where_the_framing_is_automatic(rate, seconds):
    config = RunConfig().replace({"audio.sample_rate": rate, "audio.clip_seconds": seconds})
    log_mel = LogMel(config)
    assert log_mel.empty_bands == 0
    assert log_mel.frames(config.clip_samples) == config.clip_samples // config.framing.hop_length + 1


def test_real_clips_agree_with_librosa_to_one_in_ten_thousand(esc10):
    """In powers of ten, down to 60 dB below the loudest: below that librosa's own rounding shows."""
    config = RunConfig()
    log_mel = LogMel(config)
    for path in sorted((esc10 / "audio").iterdir())[::20]:
        waveform, rate = decode(path, config.sample_rate)
        ours = log_mel.power(torch.from_numpy(waveform)[None])[0].numpy()
        theirs = librosa.feature.melspectrogram(
            y=waveform, sr=rate, n_fft=1024, hop_length=512, n_mels=64, fmin=50, fmax=config.f_max, htk=True, norm=None, pad_mode="constant"
        )  # fmt: skip
        heard = theirs > max(theirs.max() * 1e-6, 1e-8)
        assert heard.mean() > 0.01
        np.testing.assert_allclose(np.log10(ours[heard]), np.log10(theirs[heard]), atol=1e-4, rtol=0)


def test_a_torchaudio_that_cannot_be_loaded_is_no_bug_of_the_lab(monkeypatch):
    spec = importlib.util.spec_from_file_location("features_again", labcore.features.__file__)
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    with pytest.raises(LabError, match="torchaudio cannot be loaded") as told:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert "together" in told.value.remedy
