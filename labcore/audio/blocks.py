"""An open file in blocks: read, mixed and resampled piece by piece, with the same samples as in one piece."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from labcore.audio.files import OpenFile, check_values
from labcore.audio.joined import skip
from labcore.audio.mixing import ChannelPowers, mean_of

ONE_GO = 1 << 23  # values (frames × channels) that are read in one go: 32 MB, a minute and a half of 44.1 kHz stereo
BLOCK = 1 << 20  # values in a block of a longer recording, before it is resampled and after


@dataclass(frozen=True)
class Piece:
    """``samples`` are float32 (samples, 1 or channels), valid until the next piece; ``read`` counts the file's frames up to here."""

    samples: np.ndarray
    read: int
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
    heard: tuple[int, ...] | None = None,
) -> Iterator[Piece]:
    """Read on from where the file stands.

    Args:
        count: frames to read; there may be fewer.
        rate: of the pieces in Hz.
        mixed: to one channel, the mean of those in ``heard``, or of all.
        powers: is told of each block, where it is mixed.

    Raises:
        AudioError: samples that are no numbers.
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
        read += len(block)
        last = len(block) < wanted or read >= count
        if mixed:
            mono = mean_of(block, heard)
            if powers:
                powers.add(block, mono)
            block = mono[:, None]
        check_values(block, called)
        yield Piece(block if stream is None else stream.resample_chunk(block, last=last), read, last)
