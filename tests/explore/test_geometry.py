import math
import random

import pytest
import torch

from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.explore.geometry import BANDWIDTH, consequences, unchecked
from labcore.features import WINDOWS, LogMel


def test_the_numbers_that_follow():
    seen = consequences(RunConfig(), clip_seconds=5.0)
    assert seen.possible
    assert not seen.warnings
    assert seen.frames_per_second == pytest.approx(22050 / 512)
    assert seen.hop_ms == pytest.approx(23.22, abs=0.01)
    assert seen.bin_hz == pytest.approx(21.53, abs=0.01)
    assert seen.resolution_hz == pytest.approx(43.07, abs=0.01)
    assert seen.resolution_ms == pytest.approx(46.44, abs=0.01)
    assert seen.rows == 64


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"features.win_length": 2048, "features.n_fft": 1024},
            "window of 2048 samples is longer than the FFT of 1024",
        ),
        (
            {"features.hop_length": 2048, "features.win_length": 1024},
            "hop of 2048 samples is longer than the window of 1024",
        ),
        ({"audio.sample_rate": 22050, "features.f_max": 12000.0}, "12000 Hz, is above half the sample rate, 11025 Hz"),
        ({"features.f_min": 8000.0, "features.f_max": 500.0}, "8000 Hz, is not below the highest, 500 Hz"),
        ({"features.n_mels": 1000}, "Mel bands 1000 is out of bounds"),
        ({"features.n_fft": 0}, "FFT size 0 samples is out of bounds"),
        ({"features.f_min": math.nan}, "Lowest frequency nan is not a number"),
        ({"features.window": "kaiser"}, "Window function 'kaiser' is not known"),
    ],
)
def test_what_cannot_work_is_told_and_refused_by_training_too(changes, says):
    seen = consequences(unchecked(changes))
    assert not seen.possible
    assert any(says in problem for problem in seen.problems), seen.problems
    assert seen.frames_per_second == 0
    with pytest.raises(ConfigError):
        RunConfig().replace(changes)


def test_bands_that_hear_nothing_are_told():
    changes = {"features.n_mels": 256, "features.n_fft": 256, "features.win_length": 256, "features.hop_length": 128}
    config = RunConfig().replace(changes)
    seen = consequences(config)
    assert seen.possible
    assert f"{LogMel(config).empty_bands} of 256 mel bands" in seen.warnings[0]


def test_gaps_between_frames_and_clips_within_one_are_told():
    assert "overlap" in consequences(RunConfig().replace({"features.hop_length": 800})).warnings[0]
    assert "shorter than the window" in consequences(RunConfig(), clip_seconds=0.01).warnings[0]
    long = {"features.n_fft": 8192, "features.win_length": 8192}
    assert not consequences(RunConfig().replace(long)).warnings
    assert (
        "shorter than the window" in consequences(RunConfig().replace({**long, "audio.clip_seconds": 0.2})).warnings[0]
    )


def test_the_framing_follows_rate_and_clip_length():
    seen = consequences(RunConfig().replace({"audio.sample_rate": 8000}))
    assert (seen.hop_ms, seen.resolution_ms) == (24, 48)
    short = consequences(unchecked({"audio.sample_rate": 8000, "audio.clip_seconds": 1.0}))
    assert (short.hop_ms, short.resolution_ms) == (10, 24)


def test_nothing_that_is_set_breaks_it():
    values = [0, -1, None, math.nan, math.inf, "x", 3, 64, 8192, 1e-9, -5.5, 2**40]
    part = {"audio": ("sample_rate", "clip_seconds"), "features": tuple(type(RunConfig().features).model_fields)}
    paths = [f"{name}.{setting}" for name, settings in part.items() for setting in settings]
    draw = random.Random(0)
    for _ in range(300):
        changes = {path: draw.choice(values) for path in draw.sample(paths, draw.randint(1, 4))}
        seen = consequences(unchecked(changes))
        try:
            RunConfig().replace(changes)
        except ConfigError:
            assert not seen.possible, changes
        else:
            assert seen.possible, (changes, seen.problems)


def test_a_setting_that_does_not_exist_is_a_bug():
    with pytest.raises(KeyError):
        unchecked({"features.nfft": 3})


@pytest.mark.parametrize("window", list(BANDWIDTH))
def test_two_tones_at_the_resolution_are_half_as_loud_between_each_other_s_peaks(window):
    """The main lobe is so wide where it has fallen by 6 dB."""
    size, finer = 256, 64
    response = torch.fft.rfft(WINDOWS[window](size), size * finer).abs()
    below = int((response < response[0] / 2).int().argmax())
    assert 2 * below / finer == pytest.approx(BANDWIDTH[window], abs=0.04)
