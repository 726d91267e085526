"""What is done to a waveform on the CPU: resample, store as 16 bit, encode as WAV, cut into windows."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile
import soxr

FULL_SCALE = 32767

WINDOW_SLACK = 0.01
"""A window may be so much longer than its length, as a share of that: 50 ms of 5 s."""


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate with soxr at its high quality (linear phase, 20 bit).

    Args:
        waveform: float32 (samples,).
        from_rate, to_rate: in Hz.

    Returns:
        float32 (about samples × to_rate / from_rate,). The waveform itself where the rates are equal.
    """
    if from_rate == to_rate or not len(waveform):
        return waveform
    resampled: np.ndarray = soxr.resample(waveform, from_rate, to_rate, quality="HQ")
    return resampled


def loudest_of(waveform: np.ndarray) -> float:
    """The largest magnitude of a waveform; 0 for an empty one."""
    return max(float(waveform.max()), -float(waveform.min())) if len(waveform) else 0.0


def quantise(waveform: np.ndarray, peak: float | None = None) -> tuple[np.ndarray, float]:
    """A waveform as 16-bit integers and the factor that brings its values back. Levels are kept and nothing is clipped.

    Args:
        waveform: float32 (samples,), finite.
        peak: the largest magnitude of all that the waveform is a part of; its own where it is not given.

    Returns:
        int16 (samples,) and the scale, max(1, peak) / 32767.
    """
    scale = max(1.0, loudest_of(waveform) if peak is None else peak) / FULL_SCALE
    scaled = waveform * np.float32(1.0 / scale)
    np.rint(scaled, out=scaled)
    return scaled.astype(np.int16), scale


def dequantise(samples: np.ndarray, scale: float) -> np.ndarray:
    """The float32 waveform of :func:`quantise`'s result, to within half a step."""
    return samples.astype(np.float32) * np.float32(scale)


def encode_wav(waveform: np.ndarray, sample_rate: int, *, exact: bool = False) -> bytes:
    """A waveform as a WAV file. Levels stay as they are; nothing is normalised.

    Args:
        waveform: float, full scale ±1; (samples,) or, as PCM 16 bit, (samples, channels), or, exact, (channels, samples).
        sample_rate: in Hz.
        exact: 32-bit float, bit for bit what was computed, beyond full scale too. Else PCM 16 bit, which players everywhere
            know; what is beyond full scale is clipped.
    """
    if exact:
        return _float_wav(np.atleast_2d(np.asarray(waveform, dtype=np.float32)), int(sample_rate))
    buffer = io.BytesIO()
    clipped = np.clip(np.nan_to_num(np.asarray(waveform, dtype=np.float32)), -1.0, 1.0)
    soundfile.write(buffer, clipped, int(sample_rate), format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _float_wav(planes: np.ndarray, rate: int) -> bytes:
    """(channels, samples) as WAV, IEEE float. By hand, since libsndfile writes the time into it: same sound, same bytes."""
    channels, frames = planes.shape
    data = np.ascontiguousarray(planes.T, dtype="<f4").tobytes()
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, channels, rate, 4 * channels * rate, 4 * channels, 32, 0)
    head = form + struct.pack("<4sII4sI", b"fact", 4, frames, b"data", len(data))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(head) + len(data), b"WAVE") + head + data


def window_bounds(samples: int, window: int, hop: int) -> list[tuple[int, int]]:
    """Cut a recording into windows that cover all of it.

    Encoders and clocks leave a few samples more than was meant. A rest of up to :data:`WINDOW_SLACK` of a window makes no window of
    its own: the last one then reaches to the end, and is that much longer.

    Args:
        samples: length of the recording.
        window: length of a window.
        hop: from one start to the next; more than a window counts as a window, so that nothing is passed over.

    Returns:
        (start, end) of each window. The last one is aligned to the end; a recording shorter than a window is one
        window of its own length, an empty one has none.
    """
    if window < 1 or hop < 1:
        raise ValueError(f"window {window} and hop {hop} must be at least 1 sample")
    slack = int(window * WINDOW_SLACK)
    if samples <= window + slack:
        return [(0, samples)] if samples > 0 else []
    starts = list(range(0, samples - window + 1, min(hop, window)))
    if starts[-1] + window + slack < samples:
        starts.append(samples - window)
    return [*((start, start + window) for start in starts[:-1]), (starts[-1], samples)]
