"""Audio files and buffers to waveforms: float32, at the rate that is asked for, with bounded memory.

Headers are claims: nothing is allocated by them beyond a small bound, recordings are read in blocks, and reading ends at
the declared limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.audio.blocks import go_to, is_long, pieces
from labcore.audio.files import (
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
from labcore.audio.limits import Limits, default_limits
from labcore.audio.mixing import ChannelPowers, mix
from labcore.audio.waveforms import encode_wav, resample
from labcore.errors import AudioError


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
    limits: Limits | None = None,
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
    limits: Limits | None = None,
) -> Sound:
    """Decode a file or a part of it to a mono waveform: the mean of its channels, without dead ones, and one alone where they cancel.

    Args:
        source: a path, or the file's content. WAV (PCM, float, A-law, µ-law, ADPCM), AIFF, FLAC, Ogg Vorbis and Opus, MP3;
            with torchcodec installed M4A, WebM and more.
        sample_rate: of the result in Hz; None keeps the file's own.
        name: how errors call the file, where the path does not say (an upload's own name).
        start_s, end_s: the part to decode in seconds; an end beyond the file's own is the file's own.
        limits: what is accepted; :func:`labcore.audio.default_limits` where they are not given.

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
    limits: Limits | None = None,
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
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits | None = None,
) -> tuple[np.ndarray, int]:
    """The same with the channels apart, at the file's own rate.

    What lies before the part is passed over without decoding where the format can.

    Returns:
        float32 (channels, samples), finite, full scale ±1, and its sample rate in Hz.

    Raises:
        AudioError: as :func:`decode` does.
    """
    sound = _decoded(source, None, name, start_s, end_s, limits, mixed=False)
    return sound.waveform, sound.sample_rate


def _decoded(
    source: Source,
    sample_rate: int | None,
    name: str,
    start_s: float,
    end_s: float | None,
    limits: Limits | None,
    mixed: bool,
) -> Sound:
    called, limits = called_by(source, name), limits or default_limits()
    check_part(called, start_s, end_s)
    with opened(source, called, limits) as file:
        rate = sample_rate or file.samplerate
        start, count = stretch_of(file, called, start_s, end_s, limits)
        note = ""
        if is_long(file, count, rate):
            waveform, note = _read_long(file, called, start, count, rate, limits, mixed)
        elif mixed:
            waveform, note = read_short(file, called, start, count, rate)
        else:
            waveform = _frames_of(file, called, start, count).T
            check_values(waveform, called)
        notes = notes_of(file, note)
    return Sound(np.ascontiguousarray(_not_empty(waveform, called, rate)), rate, notes)


def notes_of(file: OpenFile, mixing: str) -> tuple[str, ...]:
    """What is told of how a file was read, and how it was mixed."""
    return (*info_of(file).notes, *((mixing,) if mixing else ()))


def check_part(called: str, start_s: float, end_s: float | None) -> None:
    """Raise an AudioError where a part of a recording is none."""
    if not start_s >= 0 or (end_s is not None and not end_s > start_s):
        raise AudioError(
            f"{called}: the part from {start_s:g} to {end_s if end_s is None else f'{end_s:g}'} s is none",
            "The start is 0 or later, and the end lies behind it",
        )


def read_short(file: OpenFile, called: str, start: int, count: int, rate: int) -> tuple[np.ndarray, str]:
    """A part that is not long, mixed and in one go: the waveform at ``rate``, and what is told of the mixing.

    Raises:
        AudioError: as :func:`read_sound` does.
    """
    block = _frames_of(file, called, start, count)
    with reading(called):
        mono, note = mix(block)
        check_values(mono, called)
        waveform = resample(np.ascontiguousarray(mono), file.samplerate, rate)
    return _not_empty(waveform, called, rate), note


def _frames_of(file: OpenFile, called: str, start: int, count: int) -> np.ndarray:
    """(frames, channels) float32 as they are in the file."""
    with reading(called):
        if start:
            go_to(file, start)
        block: np.ndarray = file.read(count, dtype="float32", always_2d=True)
    check_length(file, called, count, len(block))
    return block


def _not_empty(waveform: np.ndarray, called: str, rate: int) -> np.ndarray:
    if not waveform.size:
        raise AudioError(f"{called} is too short for a single sample at {rate} Hz", "Leave it out")
    return waveform


def _read_long(
    file: OpenFile, called: str, start: int, count: int, rate: int, limits: Limits, mixed: bool
) -> tuple[np.ndarray, str]:
    """A long part as one waveform: (samples,), or (channels, samples), and what is told of the mixing.

    Whether channels cancel is known at the end alone; then the recording is read once more.
    """
    powers = ChannelPowers(file.channels) if mixed and file.channels > 1 else None
    if start:
        with reading(called):
            go_to(file, start)
    columns = _joined(file, called, count, rate, limits, mixed, powers, None)
    chosen = powers.mixdown() if powers else None
    if chosen and len(chosen.channels) < file.channels:
        with reading(called):
            file.seek(start)
        columns = _joined(file, called, count, rate, limits, mixed, None, chosen.channels)
    return columns[:, 0] if mixed else columns.T, chosen.note if chosen else ""


def _joined(
    file: OpenFile,
    called: str,
    count: int,
    rate: int,
    limits: Limits,
    mixed: bool,
    powers: ChannelPowers | None,
    heard: tuple[int, ...] | None,
) -> np.ndarray:
    """The pieces of a part, one after the other: (samples, 1 or channels) at ``rate``."""
    channels = 1 if mixed else file.channels
    waveform = np.empty((0, channels), dtype=np.float32)
    written = read = 0
    with reading(called):
        for piece in pieces(file, called, count, rate, mixed=mixed, powers=powers, heard=heard):
            read, end = piece.read, written + len(piece.samples)
            if end * channels > limits.max_samples:
                raise AudioError(
                    f"{called} is too long: it has more than {limits.max_samples} samples at {rate} Hz",
                    "Cut it into parts",
                )
            if end > len(waveform):
                waveform.resize((max(end, len(waveform) * 3 // 2), channels), refcheck=False)
            waveform[written:end] = piece.samples
            written = end
        waveform.resize((written, channels), refcheck=False)
    check_length(file, called, count, read)
    return waveform
