from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.audio.loudness import CHUNK, KWeighting, integrated, k_weighting, step_samples
from labcore.loading import load_torchaudio

torchaudio = load_torchaudio()


def weighted(waveform: np.ndarray, rate: int) -> np.ndarray:
    """float32 (channels, samples) through the weighting, chunk by chunk."""
    channels, samples = waveform.shape
    padded = np.zeros((channels, -(-samples // CHUNK) * CHUNK), np.float32)
    padded[:, :samples] = waveform
    weighting = KWeighting(rate, channels)
    chunks = [
        weighting(np.ascontiguousarray(chunk)).reshape(channels, CHUNK).copy()
        for chunk in np.split(padded, padded.shape[1] // CHUNK, axis=1)
    ]
    return np.concatenate(chunks, axis=1)[:, :samples]


def loudness(waveform: np.ndarray, rate: int) -> float | None:
    step = step_samples(rate)
    steps = waveform.shape[1] // step
    pieces = weighted(waveform, rate)[:, : steps * step].reshape(len(waveform), steps, step)
    return integrated(np.square(pieces, dtype=np.float64).sum(axis=2), step)


def test_the_coefficients_at_48_khz_are_those_of_the_standard() -> None:
    (b1, a1), (b2, a2) = k_weighting(48000)
    np.testing.assert_allclose(b1, [1.53512485958697, -2.69169618940638, 1.19839281085285], atol=1e-9)
    np.testing.assert_allclose(a1, [1, -1.69065929318241, 0.73248077421585], atol=1e-9)
    np.testing.assert_allclose(b2, [1, -2, 1])
    np.testing.assert_allclose(a2, [1, -1.99004745483398, 0.99007225036621], atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_the_matrix_form_is_the_recursion(rate: int, noise) -> None:
    sound = np.stack([noise(2.5 * CHUNK / rate, rate) + np.float32(0.3), noise(2.5 * CHUNK / rate, rate, seed=1)])
    wanted = torch.from_numpy(sound.astype(np.float64))
    for b, a in k_weighting(rate):
        a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
        wanted = torchaudio.functional.lfilter(wanted, a, b, clamp=False)
    np.testing.assert_allclose(weighted(sound, rate), wanted.numpy(), atol=2e-6)


@pytest.mark.parametrize(("channels", "wanted"), [(1, -3.01), (2, 0.0)])
def test_a_full_scale_tone_of_997_hz_is_where_the_standard_says(channels: int, wanted: float, tone) -> None:
    sound = np.stack([tone(997, 3, 48000, level=1.0)] * channels)
    assert loudness(sound, 48000) == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_it_agrees_with_torchaudio(rate: int, channels: int, noise) -> None:
    sound = np.stack([noise(8, rate, seed=channel) for channel in range(channels)])
    sound[:, rate * 2 : rate * 4] *= np.float32(0.01)  # the relative gate has something to do
    wanted = float(torchaudio.functional.loudness(torch.from_numpy(sound), rate))
    # torchaudio rounds the corner frequencies of the weighting, which shows most where they are near half the rate
    assert loudness(sound, rate) == pytest.approx(wanted, abs=0.15 if rate == 16000 else 0.1)


def test_the_gates() -> None:
    steps = np.full((1, 100), 1e-3)
    loud = integrated(steps, 1000)
    quiet = steps.copy()
    quiet[:, 50:] *= 10**-2.5  # 25 dB lower: below the relative gate
    assert integrated(quiet, 1000) == pytest.approx(loud, abs=0.3)
    assert loud == pytest.approx(-0.691 - 60)
    assert integrated(steps * 1e-2, 1000) is None
    assert integrated(steps[:, :3], 1000) is None


def test_the_low_frequency_channel_does_not_count_and_the_sides_count_more() -> None:
    def of(channel: int) -> float | None:
        energies = np.zeros((6, 10))
        energies[channel] = 1.0
        return integrated(energies, 100)

    assert of(3) is None
    assert of(4) - of(0) == pytest.approx(1.49, abs=0.01)
