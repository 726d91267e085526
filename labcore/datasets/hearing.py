"""Whether a training hears what the clips hold: how much of their energy lies above its highest frequency."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from labcore.config import RunConfig, all_settings
from labcore.datasets.table import Finding

if TYPE_CHECKING:
    from labcore.datasets.checks.measure import Measured

CHUNK = 1 << 15
MOST_CHUNKS = 256
"""Of a long recording so many stretches are looked at, evenly spread."""
RATE = "audio.sample_rate"


class SpectrumShare:
    """The share of a sound's energy above a frequency, of a sound that comes block by block.

    Args:
        rate: of the sound in Hz.
        seconds: how long it is, as far as known; of a long one some stretches are looked at.
        hertz: the frequency.
    """

    def __init__(self, rate: int, seconds: float, hertz: float) -> None:
        self._rate, self._hertz, self._length = rate, hertz, 0
        self._apart = CHUNK * max(1, math.ceil(seconds * rate / (CHUNK * MOST_CHUNKS)))
        self._stretches: list[np.ndarray] = []

    def add(self, block: np.ndarray) -> None:
        """Take the next samples: float32 (samples,)."""
        if self._rate / 2 > self._hertz:
            for start in range(-self._length % self._apart, len(block), self._apart):
                self._stretches.append(block[start : start + CHUNK].copy())
        self._length += len(block)

    @property
    def share(self) -> float:
        return share_above(self._stretches, self._rate, self._hertz)


def share_above(stretches: list[np.ndarray], rate: int, hertz: float) -> float:
    """The share of the energy of some stretches (samples,) above a frequency, without their means; 0 for silence."""
    above = total = 0.0
    for stretch in stretches:
        chunk = stretch.astype(np.float64)
        power = np.abs(np.fft.rfft(chunk - chunk.mean())) ** 2
        total += float(power.sum())
        above += float(power[int(np.ceil(hertz * len(chunk) / rate)) :].sum())
    return above / total if total > 0 else 0.0


def unheard(clips: Sequence[tuple[str, str, Measured]], config: RunConfig) -> Iterator[Finding]:
    """Whether most of the energy lies where a training hears nothing: in half of all clips, or of those of a class.

    Args:
        clips: path, label and what was measured of those that can be read; ``above`` of each is counted from the highest frequency
            of the training on.
        config: of the training.
    """
    lost = [clip for clip in clips if clip[2].above > 0.5]
    sizes, by_label = Counter(label for _, label, _ in clips), Counter(label for _, label, _ in lost)
    if not any(count >= 0.5 * sizes[label] for label, count in by_label.items()):
        return
    whose = "most" if len(lost) == len(clips) else f"in {len(lost)} of {len(clips)} clips most"
    yield Finding(
        "unheard",
        f"{whose} of the energy lies above {config.f_max / 1000:.3g} kHz, which is lost at the sample rate of "
        f"{config.audio.sample_rate} Hz",
        tuple(dict.fromkeys(path for path, _, _ in lost)),
        f"Train with {_flags(max(found.rate for _, _, found in lost))}",
    )


def _flags(rate: int) -> str:
    """What to train with, so that what a recording of a rate holds is heard."""
    bounds = all_settings()[RATE]
    rate = int(min(max(rate, bounds.ge or 0), bounds.le or rate))
    highest = RunConfig().replace({RATE: rate}).f_max
    return f"--{RATE} {rate}" + (f" --features.f_max {0.45 * rate:.0f}" if highest < 0.44 * rate else "")
