"""Audio files and buffers to waveforms: float32, at the rate that is asked for, with bounded memory.

Headers are claims: nothing is allocated by them beyond a small bound, recordings are read in blocks, and reading ends at
the declared limits.
"""

from __future__ import annotations

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
    opened,
    reading,
    stretch_of,
)
from labcore.audio.waveforms import resample
from labcore.errors import AudioError

ONE_GO = 1 << 23  # values (frames × channels) that are read in one go: 32 MB, a minute and a half of 44.1 kHz stereo
BLOCK = 1 << 20  # values in a block of a longer recording


def decode(
    source: Source,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[np.ndarray, int]:
    """Decode a file or a part of it to a mono waveform: the mean of its channels.

    Args:
        source: a path, or the file's content. WAV (PCM, float, A-law, µ-law, ADPCM), AIFF, FLAC, Ogg Vorbis and Opus, MP3;
            with torchcodec installed M4A, WebM and more.
        sample_rate: of the result in Hz; None keeps the file's own.
        name: how errors call the file, where the path does not say (an upload's own name).
        start_s, end_s: the part to decode in seconds; an end beyond the file's own is the file's own.
        limits: what is accepted.

    Returns:
        float32 (samples,), finite, full scale ±1, and its sample rate in Hz.

    Raises:
        AudioError: the file is missing, empty, not audio, cut off, longer or larger than the limits, has no samples,
            or samples that are not finite; the part lies outside it. It names the file and what to do.
    """
    return _decoded(source, sample_rate, name, start_s, end_s, limits, mixed=True)


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
    return _decoded(source, sample_rate, name, start_s, end_s, limits, mixed=False)


def _decoded(
    source: Source,
    sample_rate: int | None,
    name: str,
    start_s: float,
    end_s: float | None,
    limits: Limits,
    mixed: bool,
) -> tuple[np.ndarray, int]:
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
            if count * max(file.channels, rate / file.samplerate) <= ONE_GO:
                block = file.read(count, dtype="float32", always_2d=True)
                read = len(block)
                columns = _mono(block)[:, None] if mixed else block
                check_values(columns, called)
                channels = [resample(np.ascontiguousarray(column), file.samplerate, rate) for column in columns.T]
                waveform = channels[0] if mixed else np.stack(channels)
            else:
                columns, read = _read_long(file, called, count, rate, limits, mixed)
                waveform = columns[:, 0] if mixed else np.ascontiguousarray(columns.T)
        check_length(file, called, count, read)
    if not waveform.size:
        raise AudioError(f"{called} is too short for a single sample at {rate} Hz", "Leave it out")
    return waveform, rate


def _mono(block: np.ndarray) -> np.ndarray:
    """(frames, channels) → (frames,), the mean of the channels."""
    if block.shape[1] == 1:
        return block[:, 0]
    mixed = block[:, 0].copy()
    for channel in range(1, block.shape[1]):  # a sum over columns is several times faster than a mean along short rows
        mixed += block[:, channel]
    mixed *= np.float32(1 / block.shape[1])
    return mixed


def _read_long(
    file: OpenFile, called: str, count: int, rate: int, limits: Limits, mixed: bool
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
        if mixed:
            block = _mono(block)[:, None]
        check_values(block, called)
        read += len(block)
        last = len(block) < block_frames or read >= count
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
