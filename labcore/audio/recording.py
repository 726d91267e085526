"""A recording block by block: however long it is, it takes the memory of a few blocks.

What a clip's samples are worked out from, the loudest sample and which channels are heard, is known at its end only. So the first
reading goes by what is mostly so (nothing beyond full scale, no channel dead); where it turns out otherwise, the recording is read
anew by what is known then.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from labcore.audio.blocks import (
    Piece,
    check_part,
    frames_of,
    go_to,
    is_long,
    joined,
    not_empty,
    notes_of,
    pieces,
    read_short,
)
from labcore.audio.files import (
    AudioInfo,
    OpenFile,
    Source,
    called_by,
    check_values,
    info_of,
    opened,
    reading,
    stretch_of,
)
from labcore.audio.limits import Limits, default_limits
from labcore.audio.mixing import ChannelPowers
from labcore.audio.waveforms import encode_wav, loudest_of, quantise
from labcore.errors import AudioError
from labcore.texts import counted


@dataclass(frozen=True)
class Sound:
    """A decoded file or a part of it.

    Attributes:
        waveform: (samples,) float32, finite, full scale ±1.
        sample_rate: in Hz.
        notes: what a user should know of how it was read, in words that follow the file's name.
    """

    waveform: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block(Piece):
    """The same of one channel: (samples,) float32, or int16 where they are quantised, which ``scale`` brings back to ±1; may be empty."""

    scale: float


@dataclass
class _Assumed:
    """What a reading goes by.

    Attributes:
        right: whether the last reading found that it is so.
        certain: whether it is known which channels are heard.
        mixed_channels: those channels; None is all.
        peak: the loudest sample, or 1 where it is no louder.
        note: what is told of the mixing.
    """

    right: bool = False
    certain: bool = False
    mixed_channels: tuple[int, ...] | None = None
    peak: float = 1.0
    note: str = ""


class Recording:
    """A file or a part of it, mono at ``sample_rate``, as a whole or as blocks of the same samples; or its channels apart.

    Mono is the mean of the channels, without dead ones, and one alone where they cancel.

    Args:
        source: a path, or the file's content. WAV (PCM, float, A-law, µ-law, ADPCM), AIFF, FLAC, Ogg Vorbis and Opus, MP3;
            with torchcodec installed M4A, WebM and more.
        sample_rate: of the result in Hz; None keeps the file's own.
        name: how errors call the file, where the path does not say (an upload's own name).
        start_s, end_s: the part to decode in seconds; an end beyond the file's own is the file's own.
        limits: what is accepted; :func:`labcore.audio.default_limits` where they are not given. ``limits.max_samples`` counts for
            what is not taken in blocks.
        channel: this channel alone in place of the mean, counted from 1.

    Raises:
        AudioError: by every method: the file is missing, empty, not audio, cut off, longer or larger than the limits, has no
            samples, or samples that are not finite; the part lies outside it; it has no such channel. It names the file and what to do.
            What is missing at the end is told after the last block.

    Attributes:
        sample_rate: of the blocks in Hz; the file's own, where none was asked for, is known once it has been opened.
        seconds: that the file's header promises of the part; known then, too.
        notes: what a user should know of how it was read; there when all blocks were taken.
        info: of its header; there once :meth:`frames` has begun.
    """

    def __init__(
        self,
        source: Source,
        sample_rate: int | None = None,
        *,
        name: str = "",
        start_s: float = 0.0,
        end_s: float | None = None,
        limits: Limits | None = None,
        channel: int | None = None,
    ) -> None:
        self._channel = channel
        self.source, self.called = source, called_by(source, name)
        self._rate, self.sample_rate, self.seconds = sample_rate, sample_rate or 0, 0.0
        self._start_s, self._end_s, self._limits = start_s, end_s, limits or default_limits()
        self.notes: tuple[str, ...] = ()
        self.info: AudioInfo | None = None

    def is_long(self) -> bool:
        """Whether it is taken block by block. Only its header is read."""
        with self._opened() as (file, _, count):
            return is_long(file, count, self.sample_rate)

    def at_once(self, accept: Callable[[AudioInfo], None] = lambda info: None) -> Sound | None:
        """All of it where it is short; None where it is to be taken block by block.

        Args:
            accept: told of the header before anything is decoded; what it raises ends it.
        """
        with self._opened() as (file, start, count):
            accept(info_of(file))
            if is_long(file, count, self.sample_rate):
                return None
            waveform, note = read_short(file, self.called, start, count, self.sample_rate, self._channel)
            return Sound(waveform, self.sample_rate, notes_of(file, note))

    def whole(self) -> Sound:
        """All of it, however long it is."""
        with reading(self.called), closing(self._read(quantised=False)) as blocks:
            waveform = joined(blocks, self.called, self.sample_rate, self._limits)
        return Sound(
            np.ascontiguousarray(not_empty(waveform, self.called, self.sample_rate)), self.sample_rate, self.notes
        )

    def as_wav(self, *, exact: bool = False) -> bytes:
        """All of it encoded anew: what goes to a browser, or is kept, holds sound and nothing else.

        Args:
            exact: 32-bit float, so that a network hears what it would hear of the file itself; else PCM 16 bit, for players.
        """
        sound = self.whole()
        return encode_wav(sound.waveform, sound.sample_rate, exact=exact)

    def channels(self) -> tuple[np.ndarray, int]:
        """Its channels apart, at the file's own rate in Hz: float32 (channels, samples), finite, full scale ±1; and that rate."""
        with self._opened() as (file, start, count):
            rate = file.samplerate
            if is_long(file, count, rate):
                with reading(self.called):
                    go_to(file, start)
                    parts = pieces(file, self.called, count, rate, mixed=False)
                    frames = joined(parts, self.called, rate, self._limits)
            else:
                frames = frames_of(file, self.called, start, count)
                check_values(frames, self.called)
        return np.ascontiguousarray(not_empty(frames, self.called, rate).T), rate

    def frames(self) -> Iterator[np.ndarray]:
        """Its channels as they are in the file, at the file's own rate: blocks of float32 (frames, channels), each valid until the next."""
        with self._opened() as (file, start, count):
            self.info, self.notes = info_of(file), notes_of(file, "")
            if not is_long(file, count, file.samplerate):
                block = frames_of(file, self.called, start, count)
                check_values(block, self.called)
                yield not_empty(block, self.called, file.samplerate)
                return
            with reading(self.called):
                go_to(file, start)
                for piece in pieces(file, self.called, count, file.samplerate, mixed=False):
                    yield piece.samples

    def waveform(self) -> Iterator[Block]:
        """Blocks of float32, each valid until the next."""
        return self._read(quantised=False)

    def quantised(self) -> Iterator[Block]:
        """Blocks of int16 as :func:`labcore.audio.quantise` makes them of the whole."""
        return self._read(quantised=True)

    @contextmanager
    def _opened(self) -> Iterator[tuple[OpenFile, int, int]]:
        """The open file, the first frame and the number of frames to read."""
        check_part(self.called, self._start_s, self._end_s)
        with opened(self.source, self.called, self._limits) as file:
            start, count = stretch_of(file, self.called, self._start_s, self._end_s, self._limits)
            if self._channel and self._channel > file.channels:
                there = counted(file.channels, "channel")
                raise AudioError(f"{self.called} has {there}, and no channel {self._channel}", "Choose another channel")
            self.sample_rate, self.seconds = self._rate or file.samplerate, count / file.samplerate
            yield file, start, count

    def _read(self, quantised: bool) -> Generator[Block, None, None]:
        """As many readings as it takes, three at most."""
        assumed = _Assumed()
        if self._channel:
            assumed.certain, assumed.mixed_channels = True, (self._channel - 1,)
        while not assumed.right:
            with self._opened() as (file, start, count):
                if is_long(file, count, self.sample_rate):
                    yield from self._reading(file, start, count, assumed, quantised)
                else:
                    waveform, assumed.note = read_short(
                        file, self.called, start, count, self.sample_rate, self._channel
                    )
                    samples, scale = quantise(waveform) if quantised else (waveform, 1.0)
                    yield Block(samples, share=1.0, anew=True, last=True, scale=scale)
                    assumed.right = True
                self.notes = notes_of(file, assumed.note)

    def _reading(
        self, file: OpenFile, start: int, count: int, assumed: _Assumed, quantised: bool
    ) -> Generator[Block, None, None]:
        """One reading; its blocks are empty from where it is known that another one follows."""
        powers = ChannelPowers(file.channels) if file.channels > 1 and not assumed.certain else None
        loudest, right = 0.0, True
        with reading(self.called):
            go_to(file, start)
            for piece in pieces(
                file,
                self.called,
                count,
                self.sample_rate,
                mixed=True,
                powers=powers,
                mixed_channels=assumed.mixed_channels,
            ):
                samples = piece.samples[:, 0]
                loudest = max(loudest, loudest_of(samples))
                if powers and piece.anew:  # a channel that is dead at first is mostly dead to the end
                    right = len(powers.mixdown().channels) == file.channels
                right = right and not (quantised and loudest > assumed.peak)
                samples = samples if right else samples[:0]
                scale = 1.0
                if quantised:
                    samples, scale = quantise(samples, assumed.peak)
                yield Block(samples, piece.share, piece.anew, piece.last, scale)
        assumed.peak = max(1.0, loudest)
        if powers:
            chosen = powers.mixdown()
            assumed.certain, assumed.note = True, chosen.note
            if len(chosen.channels) < file.channels:
                assumed.mixed_channels, assumed.peak, right = chosen.channels, 1.0, False
        assumed.right = right


def decode(
    source: Source,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits | None = None,
    channel: int | None = None,
) -> tuple[np.ndarray, int]:
    """The waveform (samples,) of a file or a part of it, and its rate in Hz; see :class:`Recording`."""
    sound = Recording(
        source, sample_rate, name=name, start_s=start_s, end_s=end_s, limits=limits, channel=channel
    ).whole()
    return sound.waveform, sound.sample_rate
