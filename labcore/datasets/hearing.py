"""Whether a training hears what the clips hold: how much of their energy lies above its highest frequency."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from labcore.audio import Recording
from labcore.audio.waveforms import loudest_of
from labcore.config import RunConfig, all_settings
from labcore.datasets.table import Finding

CHUNK = 1 << 15
MOST_CHUNKS = 256
"""Of a long recording so many stretches are looked at, evenly spread."""
RATE = "audio.sample_rate"


class Measured(NamedTuple):
    """A clip that was decoded: its length, its peak in dB of full scale, its share of energy above a frequency, and what is told of it."""

    path: str
    label: str
    seconds: float
    rate: int
    peak_db: float
    above: float
    notes: tuple[str, ...]


def facts_of(recording: Recording, hertz: float) -> tuple[int, float, float]:
    """Of a recording, taken block by block, its length in samples, its loudest sample, and the share of its energy above a frequency.

    Raises:
        AudioError: it cannot be read.
    """
    length, loudest, stretches = 0, 0.0, list[np.ndarray]()
    for block in recording.waveform():
        if block.anew:
            length, loudest, stretches = 0, 0.0, []
        apart = CHUNK * math.ceil(recording.seconds * recording.sample_rate / (CHUNK * MOST_CHUNKS))
        for start in range(-length % apart, len(block.samples), apart):
            stretches.append(block.samples[start : start + CHUNK].copy())
        length, loudest = length + len(block.samples), max(loudest, loudest_of(block.samples))
    rate = recording.sample_rate
    return length, loudest, share_above(stretches, rate, hertz) if rate / 2 > hertz else 0.0


def share_above(stretches: list[np.ndarray], rate: int, hertz: float) -> float:
    """The share of the energy of some stretches (samples,) above a frequency, without their means; 0 for silence."""
    above = total = 0.0
    for stretch in stretches:
        chunk = stretch.astype(np.float64)
        power = np.abs(np.fft.rfft(chunk - chunk.mean())) ** 2
        total += float(power.sum())
        above += float(power[int(np.ceil(hertz * len(chunk) / rate)) :].sum())
    return above / total if total > 0 else 0.0


def unheard(clips: Sequence[Measured], config: RunConfig) -> Iterator[Finding]:
    """Whether most of the energy lies where a training hears nothing: in half of all clips, or of those of a class.

    Args:
        clips: those that can be read; ``above`` of each is counted from the highest frequency of the training on.
        config: of the training.
    """
    lost = [clip for clip in clips if clip.above > 0.5]
    sizes, by_label = Counter(clip.label for clip in clips), Counter(clip.label for clip in lost)
    if not any(count >= 0.5 * sizes[label] for label, count in by_label.items()):
        return
    whose = "most" if len(lost) == len(clips) else f"in {len(lost)} of {len(clips)} clips most"
    yield Finding(
        "unheard",
        f"{whose} of the energy lies above {config.f_max / 1000:.3g} kHz, which is lost at the sample rate of "
        f"{config.audio.sample_rate} Hz",
        tuple(dict.fromkeys(clip.path for clip in lost)),
        f"Train with {_flags(max(clip.rate for clip in lost))}",
    )


def _flags(rate: int) -> str:
    """What to train with, so that what a recording of a rate holds is heard."""
    bounds = all_settings()[RATE]
    rate = int(min(max(rate, bounds.ge or 0), bounds.le or rate))
    highest = RunConfig().replace({RATE: rate}).f_max
    return f"--{RATE} {rate}" + (f" --features.f_max {0.45 * rate:.0f}" if highest < 0.44 * rate else "")
