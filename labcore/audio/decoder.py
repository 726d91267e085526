"""Audio files and buffers to waveforms: float32, at the rate that is asked for, with bounded memory.

Headers are claims: nothing is allocated by them beyond a small bound, recordings are read in blocks, and reading ends at
the declared limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from labcore.audio.files import (
    DEFAULT_LIMITS,
    Limits,
    OpenFile,
    Source,
    called_by,
    check_length,
    check_values,
    info_of,
    opened,
    reading,
    stretch_of,
)
from labcore.audio.mixing import ChannelPowers, mean_of, mix
from labcore.audio.waveforms import encode_wav, resample
from labcore.errors import AudioError

ONE_GO = 1 << 23  # values (frames × channels) that are read in one go: 32 MB, a minute and a half of 44.1 kHz stereo
BLOCK = 1 << 20  # values in a block of a longer recording


@dataclass(frozen=True)
class Sound:
    """A decoded file or a part of it.

    Attributes:
        waveform: float32, finite, full scale ±1; (samples,), or (channels, samples) where the channels were kept apart.
        sample_rate: in Hz.
        notes: what a user should know of how it was read, in words that follow the file's name.
    """

    waveform: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()


def decode(
    source: Source,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[np.ndarray, int]:
    """The waveform and the rate of :func:`read_sound`."""
    sound = read_sound(source, sample_rate, name=name, start_s=start_s, end_s=end_s, limits=limits)
    return sound.waveform, sound.sample_rate


def read_sound(
    source: Source,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Sound:
    """Decode a file or a part of it to a mono waveform: the mean of its channels, without dead ones, and one alone where they cancel.

    Args:
        source: a path, or the file's content. WAV (PCM, float, A-law, µ-law, ADPCM), AIFF, FLAC, Ogg Vorbis and Opus, MP3;
            with torchcodec installed M4A, WebM and more.
        sample_rate: of the result in Hz; None keeps the file's own.
        name: how errors call the file, where the path does not say (an upload's own name).
        start_s, end_s: the part to decode in seconds; an end beyond the file's own is the file's own.
        limits: what is accepted.

    Raises:
        AudioError: the file is missing, empty, not audio, cut off, longer or larger than the limits, has no samples,
            or samples that are not finite; the part lies outside it. It names the file and what to do.
    """
    return _decoded(source, sample_rate, name, start_s, end_s, limits, mixed=True)


def as_wav(
    source: Source,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    exact: bool = False,
) -> bytes:
    """A file or a part of it, decoded to mono and encoded anew: what goes to a browser, or is kept, holds sound and nothing else.

    Args:
        exact: 32-bit float, so that a network hears what it would hear of the file itself; else PCM 16 bit, for players.

    Raises:
        AudioError: as :func:`read_sound` does.
    """
    sound = read_sound(source, name=name, start_s=start_s, end_s=end_s, limits=limits)
    return encode_wav(sound.waveform, sound.sample_rate, exact=exact)


def decode_channels(
    source: Source,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[np.ndarray, int]:
    """The same with the channels apart. What lies before the part is passed over without decoding where the format can.

    Returns:
        float32 (channels, samples), finite, full scale ±1, and its sample rate in Hz.

    Raises:
        AudioError: as :func:`decode` does.
    """
    sound = _decoded(source, sample_rate, name, start_s, end_s, limits, mixed=False)
    return sound.waveform, sound.sample_rate


def _decoded(
    source: Source,
    sample_rate: int | None,
    name: str,
    start_s: float,
    end_s: float | None,
    limits: Limits,
    mixed: bool,
) -> Sound:
    called = called_by(source, name)
    if not start_s >= 0 or (end_s is not None and not end_s > start_s):
        raise AudioError(
            f"{called}: the part from {start_s:g} to {end_s if end_s is None else f'{end_s:g}'} s is none",
            "The start is 0 or later, and the end lies behind it",
        )
    with opened(source, called, limits) as file:
        rate = sample_rate or file.samplerate
        start, count = stretch_of(file, called, start_s, end_s, limits)
        with reading(called):
            if start:
                file.seek(start)
            short = count * max(file.channels, rate / file.samplerate) <= ONE_GO
            read = _read_short if short else _read_long
            waveform, frames, note = read(file, called, start, count, rate, limits, mixed)
        check_length(file, called, count, frames)
        notes = (*info_of(file).notes, *((note,) if note else ()))
    if not waveform.size:
        raise AudioError(f"{called} is too short for a single sample at {rate} Hz", "Leave it out")
    return Sound(waveform, rate, notes)


def _read_short(
    file: OpenFile, called: str, start: int, count: int, rate: int, limits: Limits, mixed: bool
) -> tuple[np.ndarray, int, str]:
    """All in one go: the waveform at ``rate``, the frames that were read, and what is told of the mixing."""
    block = file.read(count, dtype="float32", always_2d=True)
    if not mixed:
        check_values(block, called)
        channels = [resample(np.ascontiguousarray(column), file.samplerate, rate) for column in block.T]
        return np.stack(channels), len(block), ""
    mono, note = mix(block)
    check_values(mono, called)
    return resample(np.ascontiguousarray(mono), file.samplerate, rate), len(block), note


def _read_long(
    file: OpenFile, called: str, start: int, count: int, rate: int, limits: Limits, mixed: bool
) -> tuple[np.ndarray, int, str]:
    """The same in blocks. Whether channels cancel is known at the end alone; then the recording is read once more."""
    powers = ChannelPowers(file.channels) if mixed and file.channels > 1 else None
    columns, read = _read_blocks(file, called, count, rate, limits, mixed, powers)
    chosen = powers.mixdown() if powers else None
    if chosen and len(chosen.channels) < file.channels:
        file.seek(start)
        columns, read = _read_blocks(file, called, count, rate, limits, mixed, None, chosen.channels)
    return columns[:, 0] if mixed else np.ascontiguousarray(columns.T), read, chosen.note if chosen else ""


def _read_blocks(
    file: OpenFile,
    called: str,
    count: int,
    rate: int,
    limits: Limits,
    mixed: bool,
    powers: ChannelPowers | None,
    heard: tuple[int, ...] | None = None,
) -> tuple[np.ndarray, int]:
    """Read, mix and resample block by block; returns (samples, 1 or channels) at ``rate`` and the frames that were read."""
    channels = 1 if mixed else file.channels
    stream = None if rate == file.samplerate else soxr.ResampleStream(file.samplerate, rate, channels, dtype="float32")
    block_frames = max(1, BLOCK // file.channels)
    buffer = np.empty((block_frames, file.channels), dtype=np.float32)
    waveform = np.empty((block_frames, channels), dtype=np.float32)
    written = read = 0
    while True:
        block = file.read(min(block_frames, count - read), out=buffer[: min(block_frames, count - read)])
        read += len(block)
        last = len(block) < block_frames or read >= count
        if mixed:
            mono = mean_of(block, heard)
            if powers:
                powers.add(block, mono)
            block = mono[:, None]
        check_values(block, called)
        piece = block if stream is None else stream.resample_chunk(block, last=last)
        if (written + len(piece)) * channels > limits.max_samples:
            raise AudioError(
                f"{called} is too long: it has more than {limits.max_samples} samples at {rate} Hz", "Cut it into parts"
            )
        if written + len(piece) > len(waveform):
            waveform.resize((max(written + len(piece), len(waveform) * 3 // 2), channels), refcheck=False)
        waveform[written : written + len(piece)] = piece
        written += len(piece)
        if last:
            waveform.resize((written, channels), refcheck=False)
            return waveform, read
