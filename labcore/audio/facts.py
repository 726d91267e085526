"""What is to tell of a recording: levels, clipping, loudness, silence at its ends. Gathered piece by piece, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labcore.audio.files import AudioInfo
from labcore.audio.mixing import ChannelPowers, mean_of
from labcore.texts import counted, percent

SILENCE = 10 ** (-60 / 20)  # -60 dBFS
CLIPPED_RUN = 3  # samples in a row at full scale that count as clipped; a peak that touches it once or twice does not
FULL_SCALE = 1 - 2**-15  # the highest value of 16 bits; of 8 bits it is lower
FULL_SCALE_8_BIT = 1 - 2**-7
DC_OFFSET = 0.005  # of full scale; what is farther from zero is told


@dataclass(frozen=True)
class Level:
    """Of one channel. Levels in dB below full scale, where a full-scale square wave has 0 peak and 0 RMS; None for silence."""

    peak_db: float | None
    rms_db: float | None
    dc_offset: float  # the mean, full scale 1
    clipped_samples: int


@dataclass(frozen=True)
class Facts:
    info: AudioInfo
    channels: tuple[Level, ...]
    loudness_lufs: float | None  # ITU-R BS.1770, integrated, of all channels; None below 400 ms and for silence
    silence_start_s: float  # below -60 dBFS in all channels; the whole length where nothing is louder
    silence_end_s: float

    @property
    def clipped_samples(self) -> int:
        return sum(level.clipped_samples for level in self.channels)

    @property
    def dc_offset(self) -> float:
        """That of the channel where it is farthest from zero."""
        return max((level.dc_offset for level in self.channels), key=abs, default=0.0)

    def doubts(self) -> list[str]:
        """What a listener should know of the sound, a sentence each."""
        told = []
        if self.clipped_samples:
            told.append(f"Clipped: {counted(self.clipped_samples, 'sample')} at full scale.")
        if abs(self.dc_offset) > DC_OFFSET:
            told.append(f"DC offset: {percent(abs(self.dc_offset))} of full scale.")
        if all(level.peak_db is None for level in self.channels):
            told.append("Digital silence.")
        return told


def full_scale(info: AudioInfo) -> float:
    """The magnitude from which on a sample counts as being at full scale."""
    return FULL_SCALE_8_BIT if info.bits == 8 else FULL_SCALE


@dataclass(frozen=True)
class Runs:
    """Samples at full scale in a stretch of one channel; its ends are kept apart, since a run may go on beyond them."""

    length: int
    head: int = 0  # length of the run with which it begins
    tail: int = 0
    inside: int = 0  # samples in runs of CLIPPED_RUN or more that touch no end

    @staticmethod
    def of(mask: np.ndarray) -> Runs:
        """bool (samples,), where it is at full scale."""
        length = len(mask)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).view(np.int8)))
        starts, ends = edges[::2], edges[1::2]
        if not len(starts):
            return Runs(length)
        if starts[0] == 0 and ends[0] == length:
            return Runs(length, length, length)
        lengths = (ends - starts)[(starts > 0) & (ends < length)]
        head = int(ends[0]) if starts[0] == 0 else 0
        tail = int(length - starts[-1]) if ends[-1] == length else 0
        return Runs(length, head, tail, int(lengths[lengths >= CLIPPED_RUN].sum()))

    def then(self, after: Runs) -> Runs:
        """This stretch and the one that follows."""
        length = self.length + after.length
        if self.head == self.length:
            head = self.length + after.head
            return Runs(length, head, head if head == length else after.tail, after.inside)
        if after.head == after.length:
            return Runs(length, self.head, self.tail + after.length, self.inside)
        middle = self.tail + after.head
        inside = self.inside + after.inside + (middle if middle >= CLIPPED_RUN else 0)
        return Runs(length, self.head, after.tail, inside)

    @property
    def clipped(self) -> int:
        ends = (self.head,) if self.head == self.length else (self.head, self.tail)
        return self.inside + sum(end for end in ends if end >= CLIPPED_RUN)


class Tally:
    """Sums over a stretch of a recording, which give its levels."""

    def __init__(self, channels: int, full: float) -> None:
        self.full = full
        self.peaks = np.zeros(channels)
        self.runs = [Runs(0)] * channels
        self.powers = ChannelPowers(channels)
        self.loud: tuple[int, int] | None = None  # the first and the last frame that is not silent

    def add(self, planes: np.ndarray, at: int, peaks: np.ndarray) -> None:
        """Count the next samples.

        Args:
            planes: float32 (channels, frames).
            at: the number of their first frame in the file.
            peaks: of their magnitudes, (channels,).
        """
        frames = planes.shape[1]
        self.peaks = np.maximum(self.peaks, peaks)
        self.powers.add(planes.T, mean_of(planes.T))
        for channel, peak in enumerate(peaks):
            runs = Runs.of(np.abs(planes[channel]) >= self.full) if peak >= self.full else Runs(frames)
            self.runs[channel] = self.runs[channel].then(runs)
        if peaks.max() >= SILENCE:
            first = self.loud[0] if self.loud else at + _first_loud(planes)
            self.loud = (first, at + frames - 1 - _first_loud(planes[:, ::-1]))

    def then(self, after: Tally) -> None:
        """Add what was counted in the stretch that follows."""
        self.peaks = np.maximum(self.peaks, after.peaks)
        self.powers.then(after.powers)
        self.runs = [before.then(runs) for before, runs in zip(self.runs, after.runs, strict=True)]
        if after.loud:
            self.loud = (self.loud[0] if self.loud else after.loud[0], after.loud[1])

    def facts(self, info: AudioInfo, loudness_lufs: float | None) -> Facts:
        frames = self.powers.frames
        means, powers = self.powers.sums[:-1] / max(1, frames), self.powers.squares[:-1] / max(1, frames)
        levels = tuple(
            Level(_decibels(peak), _decibels(float(np.sqrt(power))), float(mean), runs.clipped)
            for peak, power, mean, runs in zip(self.peaks, powers, means, self.runs, strict=True)
        )
        first, last = self.loud or (frames, -1)
        start_s, end_s = first / info.sample_rate, (frames - 1 - last) / info.sample_rate
        told = self.powers.mixdown().note
        info = replace(info, notes=(*info.notes, told)) if told else info
        return Facts(info, levels, loudness_lufs, start_s, end_s)


def _first_loud(planes: np.ndarray) -> int:
    """The first frame that is not silent in a channel, of planes that have one; looks no farther than it must."""
    at, span = 0, 256
    while True:
        found = (np.abs(planes[:, at : at + span]) >= SILENCE).any(axis=0)
        if found.any():
            return at + int(found.argmax())
        at, span = at + span, span * 4


def _decibels(value: float) -> float | None:
    return float(20 * np.log10(value)) if value > 0 else None
