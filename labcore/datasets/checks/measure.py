"""A clip is decoded once, and what the checks ask of it is measured: length, levels, offset, clipping, channels, fingerprint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labcore.audio import Recording, mix
from labcore.audio.facts import Tally, full_scale
from labcore.datasets.checks.fingerprint import Fingerprinter
from labcore.datasets.table import behind
from labcore.errors import AudioError


class Span(NamedTuple):
    """Where a clip lies: its file, its start and its end in seconds; nan is the file's end."""

    path: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Measured:
    """A clip that was decoded.

    Attributes:
        peak_db: the loudest sample of any channel, in dB of full scale.
        half_hz: the frequency above which half of its energy lies; 0 for silence.
        offset: the mean of the channel where it is farthest from zero, full scale 1.
        relative_offset: the same as a multiple of that channel's RMS without it.
        clipped: the share of samples that stand at full scale in runs, in the channel with most of them.
        lost_db: how far the mean of the channels lies below them, see :attr:`labcore.audio.mixing.ChannelPowers.lost_db`.
        notes: what is told of how it was read.
        fingerprint: float32 (SIZE,).
    """

    seconds: float
    rate: int
    channels: int
    peak_db: float
    half_hz: float
    offset: float
    relative_offset: float
    clipped: float
    lost_db: float
    notes: tuple[str, ...]
    fingerprint: np.ndarray


Found = Measured | str
"""What was measured of a clip, or why it cannot be read, in words that follow its path."""


def measure(span: Span) -> Found:
    """Measure a clip. Memory is bounded, however long it is."""
    path, start_s, end_s = span
    recording = Recording(Path(path), start_s=start_s, end_s=None if math.isnan(end_s) else end_s)
    try:
        return _measured(recording)
    except AudioError as error:
        return behind(path, error.what)


def _measured(recording: Recording) -> Measured:
    tally, prints = None, None
    for block in recording.frames():
        rate, info = recording.sample_rate, recording.info
        if tally is None or prints is None:
            assert info is not None
            tally = Tally(block.shape[1], full_scale(info))
            prints = Fingerprinter(rate, recording.seconds)
        planes = np.ascontiguousarray(block.T)
        tally.add(planes, tally.powers.frames, np.abs(planes).max(axis=1, initial=0.0))
        mono, _ = mix(block)
        prints.add(mono)
    assert tally is not None
    assert prints is not None
    frames, fingerprint = tally.powers.frames, prints.result()
    means = tally.powers.sums[:-1] / frames
    variances = np.maximum(tally.powers.squares[:-1] / frames - means**2, 1e-20)
    farthest = int(np.abs(means).argmax())
    mixing = tally.powers.mixdown().note
    return Measured(
        seconds=frames / recording.sample_rate,
        rate=recording.sample_rate,
        channels=len(means),
        peak_db=20 * float(np.log10(max(tally.peaks.max(), 1e-10))),
        half_hz=prints.half_hz,
        offset=float(means[farthest]),
        relative_offset=float(abs(means[farthest]) / np.sqrt(variances[farthest])),
        clipped=max(runs.clipped for runs in tally.runs) / frames,
        lost_db=tally.powers.lost_db,
        notes=(*recording.notes, *((mixing,) if mixing else ())),
        fingerprint=fingerprint,
    )
