"""Loudness by ITU-R BS.1770-4, of a recording of any length: the K-weighting chunk by chunk, and the gate."""

from __future__ import annotations

import math

import numpy as np

CHUNK = 1 << 16  # samples a channel that are filtered at once: 1.5 s at 44.1 kHz
STEPS = 4  # steps of 100 ms in a gating block of 400 ms, which overlap by three of them
LOWEST_RATE = 4000  # Hz; below, the shelf of the weighting at 1.7 kHz has no place
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate
SURROUND = 1.41  # weight of channels at the sides
WEIGHTS = {
    5: (1, 1, 1, SURROUND, SURROUND),
    6: (1, 1, 1, 0, SURROUND, SURROUND),
    8: (1, 1, 1, 0, 1, 1, SURROUND, SURROUND),
}
"""By number of channels, in the order of WAV: 5.0, 5.1 and 7.1 (the low-frequency channel does not count); else all are 1."""

Coefficients = tuple[tuple[float, float, float], tuple[float, float, float]]


def k_weighting(sample_rate: int) -> tuple[Coefficients, Coefficients]:
    """The two second-order sections, (b, a) each with a[0] = 1: a shelf for the head, and a high-pass.

    BS.1770 gives numbers for 48 kHz; these are the analogue prototypes behind them, at any rate from LOWEST_RATE on.
    """
    k, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    a = (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)
    shelf = ((high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0), a
    k, q = math.tan(math.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return shelf, ((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0))


class KWeighting:
    """The weighting of a stream, chunk by chunk; what the filter remembers goes from one to the next."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._sections = np.array([[*b, *a] for b, a in k_weighting(sample_rate)])
        self._state = np.zeros((len(self._sections), channels, 2))

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        """Filter the next samples: (channels, samples) → float64 of the same shape."""
        from scipy.signal import sosfilt  # half a second to load, and only who opens a recording needs it

        weighted, self._state = sosfilt(self._sections, chunk, axis=1, zi=self._state)
        return weighted


def step_samples(sample_rate: int) -> int:
    """Samples in a step of 100 ms."""
    return max(1, round(sample_rate / 10))


def integrated(energies: np.ndarray, samples: int) -> float | None:
    """The gated loudness of a programme in LUFS; None where all of it is shorter than 400 ms or quieter than -70 LUFS.

    Args:
        energies: float64 (channels, steps), the sum of the squares of the weighted samples in each whole step of 100 ms.
        samples: in a step.
    """
    channels, steps = energies.shape
    if steps < STEPS:
        return None
    weights = np.asarray(WEIGHTS.get(channels, (1,) * channels), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(weights @ energies)])
    power = np.maximum(sums[STEPS:] - sums[:-STEPS], 0) / (STEPS * samples)
    passed = power[power > _power(ABSOLUTE_GATE)]
    if not len(passed):
        return None
    passed = passed[passed > passed.mean() * 10 ** (RELATIVE_GATE / 10)]
    return float(-0.691 + 10 * np.log10(passed.mean()))


def _power(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))
