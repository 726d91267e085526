"""What the demo sounds are put together from: shaped noise, periodic waves, resonances, envelopes.

All signals are mono float32 arrays at :data:`RATE`. Filters are gains over frequency, applied through one FFT; times are in
seconds, frequencies in Hz. Everything random comes from the generator that is handed in, so that equal seeds give equal sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

RATE = 32_000
"""Samples per second of all demo clips."""

Signal = npt.NDArray[np.float32]
Random = np.random.Generator
Gain = Callable[[Signal], npt.NDArray[Any]]
"""Frequencies in Hz → gain, real or complex, of the same shape."""
Sound = Callable[[Random, int], Signal]
"""Renders ``samples`` of a source: every call with another generator is another moment of the same recording."""

TABLE = 16_384


def transform_size(samples: int) -> int:
    """The smallest size of at least ``samples`` whose only factors are 2, 3 and 5 (few of the latter): quick to transform."""
    power = max(0, (samples - 1).bit_length() - 4)
    return min(
        odd << shift for odd in (8, 9, 10, 12, 15, 16) for shift in (power, power + 1) if odd << shift >= samples
    )


@lru_cache(maxsize=8)
def bins(size: int) -> Signal:
    """Frequencies of the bins of a transform of ``size`` samples, (size // 2 + 1,). Shared: do not write into it."""
    frequencies = np.fft.rfftfreq(size, 1 / RATE).astype(np.float32)
    frequencies.flags.writeable = False
    return frequencies


def filtered(signal: Signal, gain: Gain, tail_seconds: float = 0.05) -> Signal:
    """The signal through a filter, at its own length; what rings on past its end is dropped.

    ``tail_seconds`` is how long the filter rings: so much silence keeps the end from wrapping into the beginning.
    """
    size = transform_size(len(signal) + int(tail_seconds * RATE))
    spectrum = np.fft.rfft(signal.astype(np.float32, copy=False), size).astype(np.complex64, copy=False)
    spectrum *= gain(bins(size))
    return np.fft.irfft(spectrum, size)[: len(signal)].astype(np.float32, copy=False)


def convolved(signal: Signal, response: Signal) -> Signal:
    """The signal convolved with an impulse response, cut to the signal's length."""
    size = transform_size(len(signal) + len(response))
    spectrum = np.fft.rfft(signal.astype(np.float32, copy=False), size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(signal)].astype(np.float32, copy=False)


def noise(rng: Random, samples: int, gain: Gain) -> Signal:
    """Stationary Gaussian noise with the given spectrum, of RMS 1, (samples,)."""
    size = transform_size(samples)
    frequencies = bins(size)
    spectrum = rng.standard_normal(2 * len(frequencies), dtype=np.float32).view(np.complex64)
    spectrum *= gain(frequencies)
    spectrum[0] = 0.0
    signal = np.fft.irfft(spectrum, size)[:samples].astype(np.float32, copy=False)
    return signal / np.float32(rms(signal) + 1e-9)


def rms(signal: Signal) -> float:
    return float(np.sqrt(np.dot(signal, signal) / len(signal))) if len(signal) else 0.0


def decibels(db: float) -> float:
    """A level difference as a factor of amplitudes."""
    return float(10 ** (db / 20))


# Gains over frequency


def tilt(db_per_octave: float, corner_hz: float = 80.0) -> Gain:
    """Falls (or rises) by so much an octave above the corner, flat below it."""
    slope = db_per_octave / 6.0206
    return lambda frequencies: (np.maximum(frequencies, corner_hz) / corner_hz) ** np.float32(slope)


def band(low_hz: float, high_hz: float, order: Literal[1, 2] = 2) -> Gain:
    """Passes what lies between, with soft edges of 6 dB an octave times ``order``; 0 Hz never passes."""

    def gain(frequencies: Signal) -> npt.NDArray[Any]:
        above, below = (
            np.square(frequencies / np.float32(high_hz)),
            np.square(np.float32(low_hz) / np.maximum(frequencies, 1e-3)),
        )
        if order == 2:
            above, below = np.square(above), np.square(below)
        return 1 / np.sqrt(1 + above + below)

    return gain


def resonances(
    centres_hz: Sequence[float], widths_hz: Sequence[float], gains: Sequence[float], floor: float = 0.0
) -> Gain:
    """Damped modes side by side, as of formants or a box, on top of a flat ``floor``.

    Each is the positive-frequency half of a decaying oscillation, so the filter starts when it is struck and not before.
    Neighbours take opposite signs, as in a parallel formant synthesiser (Klatt, 1980), else notches open between them.
    """

    def gain(frequencies: Signal) -> npt.NDArray[Any]:
        total = np.full(frequencies.shape, floor, np.complex64)
        for number, (centre, width, level) in enumerate(zip(centres_hz, widths_hz, gains, strict=True)):
            total += np.float32((-1) ** number * level) / (
                1 + np.complex64(1j / width) * (frequencies - np.float32(centre))
            )
        return total

    return gain


def curve(points_hz: Sequence[float], levels_db: Sequence[float]) -> Gain:
    """A gain through points, straight on a logarithmic frequency axis."""
    places, levels = np.log2(points_hz), np.asarray(levels_db, np.float32)

    def gain(frequencies: Signal) -> Signal:
        # Bends are heard in octaves: worked out on a coarse logarithmic axis, then taken over to the bins.
        axis = np.linspace(places[0], places[-1], 256)
        return np.interp(frequencies, 2**axis, 10 ** (np.interp(axis, places, levels) / 20)).astype(np.float32)

    return gain


def product(*gains: Gain) -> Gain:
    """Filters one after the other."""

    def gain(frequencies: Signal) -> npt.NDArray[Any]:
        total = gains[0](frequencies)
        for other in gains[1:]:
            total = total * other(frequencies)
        return total

    return gain


# Signals over time


def drift(rng: Random, samples: int, per_second: float) -> Signal:
    """A wandering control curve of deviation about 1: normal values so often a second, straight lines between."""
    step = max(1, round(RATE / per_second))
    points = rng.standard_normal(samples // step + 3, dtype=np.float32)
    ramp = np.arange(step, dtype=np.float32) / np.float32(step)
    start = int(rng.integers(step))
    return (points[:-1, None] + np.diff(points)[:, None] * ramp).ravel()[start : start + samples]


def envelope(samples: int, seconds: Sequence[float], levels: Sequence[float]) -> Signal:
    """Levels at times with straight lines between, (samples,)."""
    return np.interp(np.arange(samples) / RATE, seconds, levels).astype(np.float32)


def decay(samples: int, seconds: float) -> Signal:
    """Falls to 1/e in so many seconds."""
    return np.exp(np.arange(samples, dtype=np.float32) * np.float32(-1 / (RATE * seconds)))


def cycles(pitch_hz: Signal, start: float = 0.0) -> npt.NDArray[np.float64]:
    """The phase in cycles of an oscillation with this pitch at every sample."""
    return np.cumsum(pitch_hz, dtype=np.float64) / RATE + start


def periodic(
    phase_cycles: npt.NDArray[np.float64], harmonics: Sequence[float] | Signal, phases: Random | None = None
) -> Signal:
    """A periodic wave from the amplitudes of its harmonics, the fundamental first.

    With ``phases`` the harmonics are shifted at random, which softens the peaks; without, all start as sines.
    """
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    turns = phases.uniform(size=len(harmonics)) if phases is not None else np.zeros(len(harmonics))
    spectrum[1 : len(harmonics) + 1] = np.asarray(harmonics) * np.exp(2j * np.pi * turns) * (-0.5j * TABLE)
    table = np.fft.irfft(spectrum, TABLE).astype(np.float32)
    return table[(phase_cycles * TABLE).astype(np.int64) & (TABLE - 1)]


def overtones(pitch_hz: float, db_per_octave: float, highest_hz: float = 13_000.0) -> Signal:
    """Amplitudes of the harmonics of a tone, falling evenly, up to ``highest_hz`` (so that nothing folds back)."""
    count = int(np.clip(highest_hz / pitch_hz, 1, 60))
    return (np.arange(1, count + 1) ** (db_per_octave / 6.0206)).astype(np.float32)


def struck(
    rng: Random, seconds: float, modes_hz: Sequence[float], decays_s: Sequence[float], gains: Sequence[float]
) -> Signal:
    """A body struck once: decaying sine modes."""
    times = np.arange(int(seconds * RATE)) / RATE
    shape = np.asarray(gains)[:, None] * np.exp(-times / np.asarray(decays_s)[:, None])
    waves = np.sin(2 * np.pi * (np.asarray(modes_hz)[:, None] * times + rng.uniform(size=(len(modes_hz), 1))))
    return (shape * waves).sum(0).astype(np.float32) * np.minimum(times / 0.0005, 1).astype(np.float32)


def train(samples: int, seconds: npt.NDArray[Any], levels: npt.NDArray[Any]) -> Signal:
    """Single impulses at times, (samples,): convolve it with what should be heard at each."""
    places = (np.asarray(seconds) * RATE).astype(np.int64)
    inside = (places >= 0) & (places < samples)
    signal = np.zeros(samples, np.float32)
    np.add.at(signal, places[inside], np.asarray(levels, np.float32)[inside])
    return signal


def add(target: Signal, seconds: float, part: Signal, level: float = 1.0) -> None:
    """Mix a part into a longer signal from a time on; what stands out at either end is cut."""
    start = int(seconds * RATE)
    first, last = max(0, -start), min(len(part), len(target) - start)
    if last > first:
        target[start + first : start + last] += np.float32(level) * part[first:last]
