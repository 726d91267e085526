"""What is done to clips to see how a classifier holds out: a level each of gain, of the recording's sample rate, of lossy compression.

Noise is not among them: it is added to windows, by :mod:`labcore.evaluation.disturbed_clips`.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from labcore.audio import decode, resample
from labcore.errors import AudioError

Disturb = Callable[[np.ndarray, int, float], np.ndarray]
"""(samples,) float32, its sample rate in Hz, the level → the same shape."""

FULL_SCALE = 32767.0
MP3_KBPS, OPUS_KBPS = (8.0, 320.0), (6.0, 256.0)
"""Bit rates of one channel that the encoders take, lowest and highest."""


def gain(waveform: np.ndarray, rate: int, decibels: float) -> np.ndarray:
    """Louder or fainter, as a recorder of 16 bits would have written it: clipped at full scale, faint sounds in few steps."""
    loud = np.round(waveform * (10.0 ** (decibels / 20.0) * FULL_SCALE))
    taken: np.ndarray = (loud.clip(-FULL_SCALE, FULL_SCALE) / FULL_SCALE).astype(np.float32)
    return taken


def recorded_at(waveform: np.ndarray, rate: int, recorded: float) -> np.ndarray:
    """As if it had been recorded at another sample rate, in Hz: what lies above its half is lost. A higher rate changes nothing."""
    if recorded >= rate:
        return waveform
    return _fitted(resample(resample(waveform, rate, round(recorded)), round(recorded), rate), len(waveform))


def mp3(waveform: np.ndarray, rate: int, kbps: float) -> np.ndarray:
    """Through an MP3 of so many kbit/s, at the sample rate that encoders choose for that: 16, 24 or 48 kHz."""
    coded = 16_000 if kbps < 24 else 24_000 if kbps < 48 else 48_000
    low, high = (32.0, 320.0) if coded > 24_000 else (8.0, 160.0)
    return _through(waveform, rate, coded, "MP3", "MPEG_LAYER_III", (high - kbps) / (high - low), "CONSTANT")


def opus(waveform: np.ndarray, rate: int, kbps: float) -> np.ndarray:
    """Through Opus of about so many kbit/s, at 48 kHz. The encoder spends less on simple sounds."""
    low, high = OPUS_KBPS
    return _through(waveform, rate, 48_000, "OGG", "OPUS", (high - kbps) / (high - low), None)


BY_NAME: dict[str, Disturb] = {"gain": gain, "sample_rate": recorded_at, "mp3": mp3, "opus": opus}


def _through(
    waveform: np.ndarray, rate: int, coded: int, format: str, subtype: str, compression: float, mode: str | None
) -> np.ndarray:
    """Encoded in memory, and decoded as any file is.

    Raises:
        AudioError: libsndfile has no such encoder here.
    """
    import soundfile

    if not len(waveform):
        return waveform
    file = io.BytesIO()
    try:
        soundfile.write(
            file, resample(waveform, rate, coded), coded, format=format, subtype=subtype,
            compression_level=min(max(compression, 0.0), 0.9999), bitrate_mode=mode,
        )  # fmt: skip
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise AudioError(
            f"{subtype} cannot be written here: {error}", "Install soundfile 0.13 or newer with its own libsndfile"
        ) from error
    return _fitted(decode(file.getvalue(), rate)[0], len(waveform))


def _fitted(waveform: np.ndarray, samples: int) -> np.ndarray:
    """The first samples, with silence after them where there are fewer: (samples,) float32."""
    fitted = np.zeros(samples, dtype=np.float32)
    taken = waveform[:samples]
    fitted[: len(taken)] = taken
    return fitted
