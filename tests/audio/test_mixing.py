from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from labcore.audio import Recording, decode, encode_wav
from labcore.audio import blocks as blocks_module
from labcore.errors import AudioError


def encoded(*channels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack(channels, axis=1), 16000, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.fixture(params=["one go", "blocks"])
def divided(request, monkeypatch) -> None:
    if request.param == "blocks":
        monkeypatch.setattr(blocks_module, "ONE_GO", 1000)
        monkeypatch.setattr(blocks_module, "BLOCK", 9000)


@pytest.mark.usefixtures("divided")
def test_channels_that_cancel_are_not_silence(noise) -> None:
    sound = noise(1) + 0.2  # a constant is no sound, and does not hide that the rest cancels
    for other in (-sound, -0.95 * sound, -sound + noise(1, level=0.001, seed=3)):
        heard = Recording(encoded(sound, other.astype(np.float32))).whole()
        np.testing.assert_allclose(heard.waveform, sound, atol=0.06)
        assert "cancel" in heard.notes[0]
        assert "phase" in heard.notes[0]


@pytest.mark.usefixtures("divided")
def test_a_part_and_another_rate_are_heard_from_the_same_channel(tone) -> None:
    sound = tone(440, 2)
    heard = Recording(encoded(sound, -sound), 8000, start_s=0.5, end_s=1.5).whole()
    assert len(heard.waveform) == 8000
    assert np.abs(np.fft.rfft(heard.waveform)).argmax() == 440
    assert np.sqrt((heard.waveform**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.usefixtures("divided")
@pytest.mark.parametrize("dead", [0.0, 0.3, "hiss"])
def test_a_dead_channel_takes_nothing_from_the_others(dead, noise) -> None:
    sound = noise(1, level=0.2)
    silent = noise(1, level=5e-5, seed=9) if dead == "hiss" else np.full_like(sound, dead)
    heard = Recording(encoded(sound, silent)).whole()
    np.testing.assert_allclose(heard.waveform, sound, atol=1e-6)
    assert heard.notes == ("channel 2 is silent: channel 1 alone is used",)
    second = noise(1, level=0.2, seed=4)
    four = Recording(encoded(silent, sound, silent, second)).whole()
    np.testing.assert_allclose(four.waveform, (sound + second) / 2, atol=1e-3)
    assert four.notes == ("channels 1, 3 are silent: the mean of the others is used",)


@pytest.mark.usefixtures("divided")
def test_ordinary_stereo_is_the_mean_and_nothing_is_told(noise, tone) -> None:
    left, right = noise(1), noise(1, seed=1)
    for pair in (
        (left, right),
        (left, 0.1 * right),
        (left, -0.5 * left),
        (tone(), np.roll(tone(), 9)),
        (0 * left, 0 * left),
    ):
        heard = Recording(encoded(*pair)).whole()
        np.testing.assert_allclose(heard.waveform, sum(pair) / 2, atol=1e-6)
        assert not heard.notes


def test_many_channels_that_have_nothing_in_common_are_not_predicted_as_cancelling(noise) -> None:
    assert not Recording(encoded(*(noise(0.2, seed=seed) for seed in range(64)))).whole().notes


@pytest.mark.parametrize("large", [1e30, 3e38, np.inf, np.nan])
@pytest.mark.parametrize("other", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("seconds", [0.1, 600])
def test_samples_beyond_all_measure_are_refused_whatever_the_other_channel_makes_of_them(large, other, seconds):
    block = np.zeros((round(8000 * seconds), 2), np.float32)
    block[100] = large, other * large
    with pytest.raises(AudioError, match="holds"):
        decode(encode_wav(block.T, 8000, exact=True))
