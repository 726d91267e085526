"""Audio files and buffers to waveforms: float32, at the rate that is asked for, with bounded memory.

Headers are claims: nothing is allocated by them beyond a small bound, recordings are read in blocks, and reading ends at
the declared limits.
"""

from __future__ import annotations

import numpy as np

from labcore.audio.blocks import check_part, frames_of, go_to, is_long, joined, not_empty, pieces
from labcore.audio.files import Source, called_by, check_values, opened, reading, stretch_of
from labcore.audio.limits import Limits, default_limits
from labcore.audio.recording import Recording, Sound
from labcore.audio.waveforms import encode_wav


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
    return Recording(source, sample_rate, name=name, start_s=start_s, end_s=end_s, limits=limits).whole()


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
    called, limits = called_by(source, name), limits or default_limits()
    check_part(called, start_s, end_s)
    with opened(source, called, limits) as file:
        rate = file.samplerate
        start, count = stretch_of(file, called, start_s, end_s, limits)
        if is_long(file, count, rate):
            with reading(called):
                go_to(file, start)
                frames = joined(pieces(file, called, count, rate, mixed=False), called, rate, limits)
        else:
            frames = frames_of(file, called, start, count)
            check_values(frames, called)
    return np.ascontiguousarray(not_empty(frames, called, rate).T), rate
