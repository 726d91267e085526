"""An open file in blocks: read, mixed and resampled piece by piece, with the same samples as in one piece."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from labcore.audio.files import OpenFile, check_length, check_values, info_of, reading
from labcore.audio.joined import skip
from labcore.audio.limits import Limits
from labcore.audio.mixing import ChannelPowers, mean_of, mix
from labcore.audio.waveforms import resample
from labcore.errors import AudioError

ONE_GO = 1 << 23  # values (frames × channels) that are read in one go: 32 MB, a minute and a half of 44.1 kHz stereo
BLOCK = 1 << 20  # values in a block of a longer recording, before it is resampled and after


@dataclass(frozen=True)
class Piece:
    """The next samples of a recording.

    Attributes:
        samples: float32 (samples, 1 or channels), valid until the next piece.
        share: of the recording that has been read, 0 to 1.
        anew: a reading begins; pieces before this one no longer count.
        last: of this reading.
    """

    samples: np.ndarray
    share: float
    anew: bool
    last: bool


def is_long(file: OpenFile, frames: int, rate: int) -> bool:
    """Whether so many frames at ``rate`` are read in blocks."""
    return frames * max(file.channels, rate / file.samplerate) > ONE_GO


def can_seek(file: OpenFile) -> bool:
    """Whether a file that was just opened can jump: GSM 6.10, G.721 and some others are read from the beginning on only."""
    try:
        file.seek(0)
    except soundfile.SoundFileError:
        return False
    return True


def go_to(file: OpenFile, frame: int) -> None:
    """Jump to a frame; a file that cannot jump, which has to be just opened then, is read up to there."""
    if can_seek(file):
        file.seek(frame)
    else:
        skip(file, frame)


def pieces(
    file: OpenFile,
    called: str,
    count: int,
    rate: int,
    *,
    mixed: bool,
    powers: ChannelPowers | None = None,
    mixed_channels: tuple[int, ...] | None = None,
) -> Iterator[Piece]:
    """Read on from where the file stands.

    Args:
        count: frames to read; there may be fewer.
        rate: of the pieces in Hz.
        mixed: to one channel, the mean of those in ``heard``, or of all.
        powers: is told of each block, where it is mixed.

    Raises:
        AudioError: samples that are no numbers; after the last piece, that frames are missing.
    """
    channels = 1 if mixed else file.channels
    stream = None if rate == file.samplerate else soxr.ResampleStream(file.samplerate, rate, channels, dtype="float32")
    # What comes out of resampling is bounded, too: a second at 100 Hz becomes 480 times as many samples at 48 kHz.
    frames = max(1, BLOCK // max(file.channels, math.ceil(rate / file.samplerate)))
    buffer = np.empty((min(frames, count), file.channels), dtype=np.float32)
    read, last = 0, False
    while not last:
        wanted = min(frames, count - read)
        block = file.read(wanted, out=buffer[:wanted])
        begin, read = read, read + len(block)
        last = len(block) < wanted or read >= count
        if mixed:
            mono = mean_of(block, mixed_channels)
            if powers:
                powers.add(block, mono)
            block = mono[:, None]
        check_values(block, called)
        yield Piece(
            block if stream is None else stream.resample_chunk(block, last=last), read / count, begin == 0, last
        )
    check_length(file, called, count, read)


def joined(parts: Iterable[Piece], called: str, rate: int, limits: Limits) -> np.ndarray:
    """Parts of a recording at ``rate`` as one array; what came before one that is ``anew`` does not count.

    Raises:
        AudioError: it has more samples than are accepted.
    """
    found, end = np.empty(0, dtype=np.float32), 0
    for part in parts:
        begin = 0 if part.anew else end
        end = begin + len(part.samples)
        if begin * found[:1].size + part.samples.size > limits.max_samples:
            raise AudioError(
                f"{called} is too long: it has more than {limits.max_samples} samples at {rate} Hz", "Split it"
            )
        if part.anew:
            found = part.samples if part.last else part.samples.copy()
            continue
        if end > len(found):
            found.resize((max(end, len(found) * 3 // 2), *found.shape[1:]), refcheck=False)
        found[begin:end] = part.samples
    if end < len(found):
        found.resize((end, *found.shape[1:]), refcheck=False)
    return found


def notes_of(file: OpenFile, mixing: str) -> tuple[str, ...]:
    """What is told of how a file was read, and how it was mixed."""
    return (*info_of(file).notes, *((mixing,) if mixing else ()))


def check_part(called: str, start_s: float, end_s: float | None) -> None:
    """Raise an AudioError where a part of a recording is none."""
    if not start_s >= 0 or (end_s is not None and not end_s > start_s):
        raise AudioError(
            f"{called}: the part from {start_s:g} to {end_s if end_s is None else f'{end_s:g}'} s is empty",
            "The start must be 0 or later, and before the end",
        )


def read_short(
    file: OpenFile, called: str, start: int, count: int, rate: int, channel: int | None = None
) -> tuple[np.ndarray, str]:
    """A part that is not long, mixed and in one go: the waveform at ``rate``, and what is told of the mixing.

    Args:
        channel: this channel alone in place of the mean, counted from 1.

    Raises:
        AudioError: as :class:`labcore.audio.Recording` does.
    """
    block = frames_of(file, called, start, count)
    with reading(called):
        mono, note = (block[:, channel - 1], "") if channel else mix(block)
        check_values(mono, called)
        waveform = resample(np.ascontiguousarray(mono), file.samplerate, rate)
    return not_empty(waveform, called, rate), note


def frames_of(file: OpenFile, called: str, start: int, count: int) -> np.ndarray:
    """(frames, channels) float32 as they are in the file."""
    with reading(called):
        if start:
            go_to(file, start)
        block: np.ndarray = file.read(count, dtype="float32", always_2d=True)
    check_length(file, called, count, len(block))
    return block


def not_empty(waveform: np.ndarray, called: str, rate: int) -> np.ndarray:
    if not waveform.size:
        raise AudioError(f"{called} is too short for a single sample at {rate} Hz", "Remove it")
    return waveform
