"""A fingerprint of a sound that another format, rate, gain, offset or a little silence hardly changes: statistics of its spectrum.

Frames of 50 ms, their power in bands between 100 Hz and 7.2 kHz. Of the frames that are not silent the mean and the spread of each band
in dB; the mean over all bands is taken off, and with it the gain. Two copies of a sound lie within 0.7 dB of each other, and few other
sounds within 1.2 (``benchmarks/dataset_check.py``); what is that near is compared sample by sample (:mod:`labcore.datasets.checks.copies`).
"""

from __future__ import annotations

import math

import numpy as np

FRAME_SECONDS = 0.05
LOW_BANDS, BANDS = 24, 30
"""Bands up to 3.6 kHz, which a copy at 8 kHz has too, and all of them."""
EDGES_HZ = np.concatenate([np.geomspace(100, 3600, LOW_BANDS + 1), np.geomspace(3600, 7200, BANDS - LOW_BANDS + 1)[1:]])
WIDE_RATE = 2 * EDGES_HZ[-1]
"""Sample rate in Hz from which on a sound can fill all bands."""
SILENT = 1e-4
"""Frames of less than this share of the loudest one's power, 40 dB below it, do not count."""
FLOOR = 1e-5
"""Power in a band below this share of the largest, 50 dB below it, is raised to it."""
MOST_FRAMES = 12_000
"""Of a recording of more than ten minutes so many frames are taken, evenly spread."""
SIZE = 2 * BANDS


class Fingerprinter:
    """Makes the fingerprint of a sound that comes block by block.

    Args:
        rate: of the sound in Hz.
        seconds: how long it is, as far as known.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        self._frame = max(2, int(rate * FRAME_SECONDS))
        self._apart = self._frame * math.ceil(max(seconds, 1.0) / FRAME_SECONDS / MOST_FRAMES)
        self._window = np.hanning(self._frame).astype(np.float32)
        bins = np.fft.rfftfreq(self._frame, 1 / rate)
        self._edges, self._bins = np.searchsorted(bins, EDGES_HZ).clip(0, len(bins)), bins
        self._total = np.zeros(len(bins))
        self._rest = np.empty(0, np.float32)
        self._powers: list[np.ndarray] = []

    def add(self, block: np.ndarray) -> None:
        """Take the next samples: float32 (samples,)."""
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        count = len(samples) // self._apart
        self._take(samples[: count * self._apart].reshape(count, self._apart)[:, : self._frame])
        self._rest = samples[count * self._apart :].copy()

    @property
    def half_hz(self) -> float:
        """The frequency above which half of the energy lies, in Hz, once the fingerprint was made; 0 for silence."""
        sums = np.cumsum(self._total)
        return float(self._bins[np.searchsorted(sums, sums[-1] / 2)]) if sums[-1] > 0 else 0.0

    def result(self) -> np.ndarray:
        """The fingerprint: float32 (SIZE,), means of the bands and then their spreads, in dB; zeros for silence."""
        if len(self._rest) >= self._frame:
            self._take(self._rest[None, : self._frame])
        elif not self._powers:  # shorter than a frame
            rest = self._rest - self._rest.mean() if len(self._rest) else self._rest
            self._take(np.pad(rest, (0, self._frame - len(rest)))[None])
        powers = np.concatenate(self._powers)  # (frames, bands)
        of_frame = powers[:, :LOW_BANDS].sum(axis=1)
        if not of_frame.max() > 0:
            of_frame = powers.sum(axis=1)
        loud = powers[of_frame > SILENT * of_frame.max()]
        if not loud.size or not loud.max() > 0:
            return np.zeros(SIZE, np.float32)
        levels = 10 * np.log10(np.maximum(loud, FLOOR * loud.max()))
        return np.concatenate([levels.mean(axis=0), levels.std(axis=0)]).astype(np.float32)

    def _take(self, frames: np.ndarray) -> None:
        """float32 (frames, samples) → their powers (frames, bands)."""
        if len(frames):
            spectrum = np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * self._window, axis=1)
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            self._total += power.sum(axis=0, dtype=np.float64)
            sums = np.pad(np.cumsum(power[:, : self._edges[-1]], axis=1, dtype=np.float64), ((0, 0), (1, 0)))
            self._powers.append(sums[:, self._edges[1:]] - sums[:, self._edges[:-1]])


def comparable(fingerprints: np.ndarray, bands: int) -> np.ndarray:
    """Fingerprints (sounds, SIZE) as points whose distances are root mean squares in dB: float32 (sounds, 2 · bands).

    Args:
        bands: of so many, :data:`LOW_BANDS` or :data:`BANDS`.
    """
    means, spreads = fingerprints[:, :bands], fingerprints[:, BANDS : BANDS + bands]
    points = np.concatenate([means - means.mean(axis=1, keepdims=True), spreads], axis=1)
    return np.ascontiguousarray(points / np.float32(np.sqrt(2 * bands)), dtype=np.float32)
