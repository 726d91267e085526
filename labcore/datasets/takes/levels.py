"""What is to tell of a take as soon as it is there: its level, whether it is clipped or silent, and where in it the sound lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from labcore.audio.facts import FULL_SCALE, Runs
from labcore.errors import AudioError
from labcore.texts import counted

BLOCK_SECONDS = 0.02
"""Levels are taken of blocks of this length."""
LEAST_SECONDS = 0.1
DEAD_DB, SILENT_DB, QUIET_DB = -80.0, -60.0, -45.0
"""Below: the peak of what no microphone delivers; the loudest block of a silent take, and of a quiet one. In dB of full scale."""
LOWEST_DB = -120.0
CLIPPED_SAMPLES = 10
"""So many samples at full scale, three or more in a row, are levels."""
FLOOR = 0.1
"""The share of the blocks that is background."""
LEAST_RANGE_DB = 15.0
"""Sound that stands less above the background has no ends to be found."""
ABOVE_FLOOR = 0.25
"""Sound begins at this share of the way, in dB, from the background to the loudest block."""
MARGIN_SECONDS = 0.1

Verdict = Literal["fine", "clipped", "quiet", "silent", "dead"]


@dataclass(frozen=True)
class TakeLevels:
    """What was measured of a take.

    Attributes:
        peak_db, loud_db: the loudest sample, and the RMS of the loudest :data:`BLOCK_SECONDS`, in dB of full scale.
        clipped: samples at full scale in runs.
        sound: where the sound begins and ends in it, with a margin, in seconds; all of it where that cannot be told.
    """

    seconds: float
    rate: int
    peak_db: float
    loud_db: float
    clipped: int
    sound: tuple[float, float]

    @property
    def verdict(self) -> Verdict:
        if self.peak_db < DEAD_DB:
            return "dead"
        if self.loud_db < SILENT_DB:
            return "silent"
        if self.clipped >= CLIPPED_SAMPLES:
            return "clipped"
        return "quiet" if self.loud_db < QUIET_DB else "fine"

    @property
    def sentence(self) -> str:
        """What is wrong with it, and what to do; "" for a fine one."""
        return _SENTENCES[self.verdict].format(
            clipped=counted(self.clipped, "sample"), loud=f"{self.loud_db:.0f}".replace("-", "−")
        )


_SENTENCES: dict[Verdict, str] = {
    "fine": "",
    "clipped": "Clipped: {clipped} at full scale. Move away from the microphone, or turn its level down.",
    "quiet": "Quiet: {loud} dBFS at the loudest. Move closer to the microphone, or turn its level up.",
    "silent": "Silent: {loud} dBFS at the loudest. Check that the right microphone is chosen, and its level.",
    "dead": "The microphone delivers no sound at all. It is muted (look for a switch or a key on it, and in the sound settings of the "
    "system), the browser was given another device, or something blocks its access.",
}


def levels_of(waveform: np.ndarray, rate: int) -> TakeLevels:
    """Measure a take.

    Args:
        waveform: float32 (samples,), full scale ±1.
        rate: in Hz.

    Raises:
        AudioError: it is shorter than :data:`LEAST_SECONDS`.
    """
    seconds = len(waveform) / rate
    if seconds < LEAST_SECONDS:
        raise AudioError(f"the take lasts {seconds:.2f} s", "Stop the recording a little later")
    magnitudes = np.abs(waveform)
    blocks = _block_levels(waveform, rate)
    return TakeLevels(
        seconds=seconds,
        rate=rate,
        peak_db=_decibels(float(magnitudes.max()), 20),
        loud_db=float(blocks.max()),
        clipped=Runs.of(magnitudes >= FULL_SCALE).clipped,
        sound=_ends(blocks, seconds),
    )


def _block_levels(waveform: np.ndarray, rate: int) -> np.ndarray:
    """RMS of each block in dB, (blocks,); a rest that fills no block counts with none."""
    size = round(BLOCK_SECONDS * rate)
    count = len(waveform) // size
    powers = np.square(waveform[: count * size], dtype=np.float64).reshape(count, size).mean(axis=1)
    return 10 * np.log10(np.maximum(powers, 10 ** (LOWEST_DB / 10)))


def _ends(blocks: np.ndarray, seconds: float) -> tuple[float, float]:
    floor, loudest = float(np.quantile(blocks, FLOOR)), float(blocks.max())
    if loudest - floor < LEAST_RANGE_DB:
        return 0.0, seconds
    loud = np.flatnonzero(blocks >= floor + ABOVE_FLOOR * (loudest - floor))
    start = max(0.0, float(loud[0]) * BLOCK_SECONDS - MARGIN_SECONDS)
    end = min(seconds, float(loud[-1] + 1) * BLOCK_SECONDS + MARGIN_SECONDS)
    return round(start, 3), round(end, 3)


def _decibels(value: float, factor: int) -> float:
    return max(LOWEST_DB, factor * float(np.log10(value))) if value > 0 else LOWEST_DB
