from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from labcore.audio import dequantise, encode_wav, quantise, resample, window_bounds


@pytest.mark.parametrize("peak", [0.0, 1e-4, 0.5, 1.0, 7.5])
def test_quantising_keeps_levels_and_never_clips(peak, noise):
    waveform = noise(level=0.2)
    waveform *= np.float32(peak / np.abs(waveform).max())
    samples, scale = quantise(waveform)
    assert samples.dtype == np.int16
    assert scale == pytest.approx(max(1.0, peak) / 32767)
    np.testing.assert_allclose(dequantise(samples, scale), waveform, atol=0.51 * scale)


def test_quantising_nothing():
    samples, scale = quantise(np.zeros(0, np.float32))
    assert len(samples) == 0
    assert scale > 0


def test_resampling_removes_what_the_new_rate_cannot_hold(tone):
    kept, gone = resample(tone(1000, 1, 44100), 44100, 16000), resample(tone(15000, 1, 44100), 44100, 16000)
    assert np.abs(kept[2000:-2000]).max() == pytest.approx(0.5, abs=0.01)
    assert np.abs(gone[2000:-2000]).max() < 1e-4
    assert resample(kept, 16000, 16000) is kept


def test_a_wav_is_not_normalised(tone):
    samples, rate = soundfile.read(io.BytesIO(encode_wav(0.1 * tone(level=1.0), 22050)))
    assert rate == 22050
    assert np.abs(samples).max() == pytest.approx(0.1, abs=1e-3)
    loud, _ = soundfile.read(io.BytesIO(encode_wav(np.array([2.0, -2.0, np.nan]), 8000)))
    np.testing.assert_allclose(loud, [1, -1, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "window", "hop"), [(1, 10, 5), (10, 10, 3), (11, 10, 3), (100, 10, 10), (105, 10, 4), (99, 7, 50)]
)
def test_windows_cover_all(samples, window, hop):
    bounds = window_bounds(samples, window, hop)
    heard = np.zeros(samples, bool)
    for start, end in bounds:
        assert end - start == min(window, samples)
        heard[start:end] = True
    assert heard.all()
    assert bounds[-1][1] == samples
    assert len(set(bounds)) == len(bounds)


@pytest.mark.parametrize(
    ("samples", "bounds"),
    [
        (1010, [(0, 1010)]),
        (1011, [(0, 1000), (11, 1011)]),
        (1510, [(0, 1000), (500, 1510)]),
        (1511, [(0, 1000), (500, 1500), (511, 1511)]),
        (1495, [(0, 1000), (495, 1495)]),
    ],
)
def test_a_rest_of_a_hundredth_of_a_window_makes_no_window_of_its_own(samples, bounds):
    assert window_bounds(samples, 1000, 500) == bounds


def test_windows_of_nothing_and_of_no_length():
    assert window_bounds(0, 10, 5) == []
    with pytest.raises(ValueError, match="hop 0"):
        window_bounds(10, 10, 0)
