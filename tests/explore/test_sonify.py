import numpy as np
import pytest
import torch

from labcore.config import RunConfig
from labcore.explore.sonify import _sound_of, linear_power, sound_of
from labcore.features import LogMel

CONFIG = RunConfig()
RATE = CONFIG.sample_rate


def levels(waveform, config=CONFIG):
    log_mel = LogMel(config)
    power = log_mel.power(torch.from_numpy(np.asarray(waveform, dtype=np.float32))[None])
    return power[0].numpy(), log_mel.decibels(power)[0].numpy()


def test_the_bins_have_the_mel_powers_that_they_were_found_from(noise, tone):
    power, decibels = levels(noise(1.0, RATE) + tone(700, 1.0, RATE))
    bins = linear_power(torch.from_numpy(power), CONFIG)
    assert bins.min() >= 0
    again = LogMel(CONFIG).spectrogram.mel_scale(bins[None])[0].numpy()
    assert np.abs(10 * np.log10(again) - decibels).mean() < 0.2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"features.hop_length": 256},
        {"features.hop_length": 1024},
        {"features.hop_length": 800, "features.window": "blackman"},
        {"features.mel_scale": "slaney", "features.mel_norm": "slaney", "features.n_mels": 128, "features.n_fft": 2048},
    ],
)
def test_the_sound_keeps_the_spectrogram(noise, tone, changes):
    config = CONFIG.replace(changes)
    sound = noise(1.0, RATE) * np.linspace(0, 1, RATE, dtype=np.float32) + tone(700, 1.0, RATE)
    power, decibels = levels(sound, config)
    rebuilt = sound_of(power, config, samples=RATE)
    assert rebuilt.shape == (RATE,)
    assert rebuilt.dtype == np.float32
    away = np.abs(levels(rebuilt, config)[1] - decibels)[:, 2:-2].mean()
    assert away < (1.0 if config.framing.hop_length <= 512 else 2.5), away


def test_a_tone_stays_at_its_pitch(tone):
    rebuilt = sound_of(levels(tone(1000, 1.0, RATE))[0], CONFIG)
    peak = np.abs(np.fft.rfft(rebuilt)).argmax() * RATE / len(rebuilt)
    assert peak == pytest.approx(1000, abs=60)  # a band is about that wide


def test_the_same_powers_make_the_same_sound(noise):
    power, _ = levels(noise(0.3, RATE))
    first = sound_of(power, CONFIG)
    _sound_of.cache_clear()
    np.testing.assert_array_equal(sound_of(power, CONFIG), first)


def test_what_is_returned_is_one_s_own(noise):
    power, _ = levels(noise(0.3, RATE))
    sound_of(power, CONFIG)[:] = 0.0
    assert sound_of(power, CONFIG).any()


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_less_than_a_window_is_rebuilt_too(frames):
    config = CONFIG.replace({"features.n_fft": 8192, "features.win_length": 4096})
    rebuilt = sound_of(np.ones((64, frames), dtype=np.float32), config, samples=2000)
    assert rebuilt.shape == (2000,)
    assert np.isfinite(rebuilt).all()


def test_silence_stays_silent():
    assert np.abs(sound_of(np.full((64, 40), 1e-8, dtype=np.float32), CONFIG)).max() < 1e-4


def test_the_other_clip_of_a_comparison_is_not_rebuilt_again(noise):
    power, _ = levels(noise(0.3, RATE))
    _sound_of.cache_clear()
    sound_of(power, CONFIG)
    sound_of(power, CONFIG.replace({"augment.gain_db": 3.0, "audio.clip_seconds": 3.0}))
    assert _sound_of.cache_info().hits == 1
    sound_of(power, CONFIG.replace({"features.window": "hamming"}))
    assert _sound_of.cache_info().hits == 1
