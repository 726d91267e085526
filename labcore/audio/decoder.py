"""Audio files and buffers to waveforms: float32, mono, at the rate that is asked for, with bounded memory.

Headers are claims: nothing is allocated by them beyond a small bound, recordings are read in blocks, and reading ends at
the declared limits.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from labcore.audio.containers import describe, missing_share
from labcore.audio.waveforms import resample
from labcore.errors import AudioError

ONE_GO = 1 << 23  # values (frames × channels) that are read in one go: 32 MB, a minute and a half of 44.1 kHz stereo
BLOCK = 1 << 20  # values in a block of a longer recording
UNKNOWN_FRAMES = 2**62  # libsndfile gives the largest number there is where a header does not say
PEAK = 1e6  # 120 dB above full scale: a damaged file, and its power would overflow


@dataclass(frozen=True)
class Limits:
    """What is accepted. Whoever decodes what strangers hand in sets these lower.

    ``max_seconds`` bounds the part that is asked for, ``max_samples`` the mono waveform that is returned (4 bytes each).
    """

    max_seconds: float = 6 * 3600.0
    max_bytes: int = 2 * 1024**3
    max_channels: int = 64
    max_samples: int = 2**30
    min_rate: int = 100
    max_rate: int = 1_000_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says. ``frames`` is samples a channel."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    frames: int
    seconds: float


def probe(source: str | Path | bytes, *, name: str = "", limits: Limits = DEFAULT_LIMITS) -> AudioInfo:
    """Read a file's header, without decoding it.

    Args:
        source: a path, or the file's content.
        name: how errors call it, where the path does not say (an upload's own name).

    Raises:
        AudioError: the file is missing, empty, or not audio.
    """
    called = _called(source, name)
    with _opened(source, called, limits) as file:
        seconds = file.frames / file.samplerate
        return AudioInfo(file.format, file.subtype, file.samplerate, file.channels, file.frames, seconds)


def decode(
    source: str | Path | bytes,
    sample_rate: int | None = None,
    *,
    name: str = "",
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[np.ndarray, int]:
    """Decode a file or a part of it to a mono waveform: the mean of its channels.

    Args:
        source: a path, or the file's content. WAV (PCM, float, A-law, µ-law, ADPCM), AIFF, FLAC, Ogg Vorbis and Opus, MP3.
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
    called = _called(source, name)
    if not start_s >= 0 or (end_s is not None and not end_s > start_s):
        raise AudioError(
            f"{called}: the part from {start_s:g} to {end_s if end_s is None else f'{end_s:g}'} s is none",
            "The start is 0 or later, and the end lies behind it",
        )
    with _opened(source, called, limits) as file:
        rate = sample_rate or file.samplerate
        start, count = _range(file, called, start_s, end_s, limits)
        try:
            if start:
                file.seek(start)
            if count * max(file.channels, rate / file.samplerate) <= ONE_GO:
                waveform = _mono(file.read(count, dtype="float32"))
                read = len(waveform)
                _check_values(waveform, called)
                waveform = resample(waveform, file.samplerate, rate)
            else:
                waveform, read = _read_long(file, called, count, rate, limits)
        except (soundfile.SoundFileError, OSError) as error:
            raise AudioError(
                f"{called} is damaged: decoding stopped with “{_reason(error)}”", "Fetch or export the file again"
            ) from error
        except MemoryError as error:
            raise AudioError(f"{called} is too long for this machine's memory", "Cut it into parts") from error
        if read == 0:
            raise AudioError(f"{called} holds no samples that can be decoded", "Fetch or export the file again")
        # Encoder delays make a header a little wrong; a header in which more is missing tells of a file that was cut off.
        if count - read > max(1, min(0.01 * count, 0.1 * file.samplerate)):
            raise _cut_off(called, count / file.samplerate, read / file.samplerate)
    if not len(waveform):
        raise AudioError(f"{called} is too short for a single sample at {rate} Hz", "Leave it out")
    return waveform, rate


def _called(source: str | Path | bytes, name: str) -> str:
    return name or ("the audio" if isinstance(source, bytes | bytearray | memoryview) else str(source))


@contextmanager
def _opened(source: str | Path | bytes, called: str, limits: Limits) -> Iterator[soundfile.SoundFile]:
    """The open file, its container checked, or an AudioError that says why it cannot be opened."""
    content = source if isinstance(source, bytes | bytearray | memoryview) else None
    size = len(content) if content is not None else _size(Path(source), called)  # type: ignore[arg-type]
    if size == 0:
        raise AudioError(f"{called} is empty: 0 bytes", "Fetch or export the file again")
    if size > limits.max_bytes:
        raise AudioError(
            f"{called} has {size / 1e6:.0f} MB, more than the {limits.max_bytes / 1e6:.0f} MB that are accepted",
            "Cut it into parts",
        )
    try:
        file = soundfile.SoundFile(io.BytesIO(content) if content is not None else os.fspath(source))
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        head = _read_at(source, 0, 512, called)
        if head.startswith(b"OggS") and _missing(source, size, called):
            raise _cut_off(called) from error
        what, remedy = describe(head)
        raise AudioError(f"{called} {what}", remedy) from error
    with file:
        _check_container(file, source, size, called, limits)
        yield file


def _check_container(
    file: soundfile.SoundFile, source: str | Path | bytes, size: int, called: str, limits: Limits
) -> None:
    if not limits.min_rate <= file.samplerate <= limits.max_rate:
        raise AudioError(
            f"{called} claims a sample rate of {file.samplerate} Hz", "Its header is damaged: export the file again"
        )
    if file.channels > limits.max_channels:
        raise AudioError(
            f"{called} claims {file.channels} channels, more than the {limits.max_channels} that are accepted",
            "Mix it down first",
        )
    if file.format not in ("FLAC", "MP3"):  # their promises are checked by decoding
        missing = _missing(source, size, called)
        if missing and file.format == "OGG":
            raise _cut_off(called)
        seconds = file.frames / file.samplerate
        if missing * seconds > 0.1 * (1 - missing) or missing > 0.01:
            raise _cut_off(called, seconds / max(1e-9, 1 - missing), seconds)
    if file.frames >= UNKNOWN_FRAMES:
        raise AudioError(
            f"{called} does not say how long it is, as files written into a pipe do not",
            "Write it again, for instance with `ffmpeg -i FILE clip.flac`",
        )
    if file.frames <= 0:
        raise AudioError(f"{called} holds no samples: its length is zero", "Leave it out, or export it again")


def _missing(source: str | Path | bytes, size: int, called: str) -> float:
    if isinstance(source, bytes | bytearray | memoryview):
        return missing_share(lambda at, count: bytes(source[at : at + count]), size)
    try:
        with Path(source).open("rb", buffering=0) as raw:

            def read(at: int, count: int) -> bytes:
                raw.seek(at)
                return raw.read(count)

            return missing_share(read, size)
    except OSError as error:
        raise AudioError(f"{called} cannot be read: {error.strerror or error}") from error


def _cut_off(called: str, promised_s: float = 0.0, there_s: float = 0.0) -> AudioError:
    lacking = f"its header promises {_duration(promised_s)} and {_duration(there_s)} are there"
    return AudioError(
        f"{called} is cut off: {lacking if promised_s else 'it ends in the middle of a page'}",
        "Fetch the file again, or leave it out",
    )


def _size(path: Path, called: str) -> int:
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        what = "does not exist" if missing else f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise AudioError(f"{called} {what}", "Check the path" if missing else "Check its permissions") from error
    if stat.S_ISDIR(info.st_mode):
        raise AudioError(f"{called} is a folder, not an audio file", "Name a file in it")
    if not stat.S_ISREG(info.st_mode):
        raise AudioError(f"{called} is not a regular file", "Copy the audio into a file first")
    return info.st_size


def _read_at(source: str | Path | bytes, at: int, count: int, called: str) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source[at : at + count])
    try:
        with Path(source).open("rb") as file:
            file.seek(at)
            return file.read(count)
    except OSError as error:
        raise AudioError(f"{called} cannot be read: {error.strerror or error}", "Check its permissions") from error


def _range(
    file: soundfile.SoundFile, called: str, start_s: float, end_s: float | None, limits: Limits
) -> tuple[int, int]:
    """The first frame and the number of frames to read."""
    frames, rate = file.frames, file.samplerate
    start = round(start_s * rate)
    if start >= frames:
        raise AudioError(
            f"{called} is {frames / rate:.4g} s long, but the part to read starts at {start_s:g} s", "Mend the start"
        )
    end = frames if end_s is None else min(frames, max(start + 1, round(end_s * rate)))
    if end - start > limits.max_seconds * rate:
        raise _too_long(called, (end - start) / rate, limits)
    return start, end - start


def _too_long(called: str, seconds: float, limits: Limits) -> AudioError:
    return AudioError(
        f"{called} claims to be {_duration(seconds)} long, more than the {_duration(limits.max_seconds)} that are accepted",
        "Cut it into parts, or mend its header",
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.4g} h" if seconds >= 3600 else f"{seconds:.4g} s"


def _mono(block: np.ndarray) -> np.ndarray:
    """(frames,) or (frames, channels) → (frames,), the mean of the channels."""
    if block.ndim == 1:
        return block
    mixed = block[:, 0].copy()
    for channel in range(1, block.shape[1]):  # a sum over columns is several times faster than a mean along short rows
        mixed += block[:, channel]
    mixed *= np.float32(1 / block.shape[1])
    return mixed


def _check_values(waveform: np.ndarray, called: str) -> None:
    if not len(waveform):
        return
    low, high = float(waveform.min()), float(waveform.max())  # not a number where any sample is none
    if not (low >= -PEAK and high <= PEAK):
        wrong = int(np.count_nonzero(~np.isfinite(waveform)))
        what = f"{wrong} samples that are not finite numbers" if wrong else f"samples as large as {max(-low, high):.3g}"
        raise AudioError(f"{called} holds {what}", "Export it again, or leave it out")


def _read_long(file: soundfile.SoundFile, called: str, count: int, rate: int, limits: Limits) -> tuple[np.ndarray, int]:
    """Read, mix and resample block by block; returns (samples,) at ``rate`` and the frames that were read."""
    stream = None if rate == file.samplerate else soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32")
    block_frames = max(1, BLOCK // file.channels)
    buffer = np.empty((block_frames, file.channels), dtype=np.float32)
    waveform = np.empty(BLOCK, dtype=np.float32)
    written = read = 0
    while True:
        block = _mono(file.read(min(block_frames, count - read), out=buffer[: min(block_frames, count - read)]))
        _check_values(block, called)
        read += len(block)
        last = len(block) < block_frames or read >= count
        piece = block if stream is None else stream.resample_chunk(block, last=last)
        if written + len(piece) > limits.max_samples:
            raise AudioError(
                f"{called} is too long: it has more than {limits.max_samples} samples at {rate} Hz", "Cut it into parts"
            )
        if written + len(piece) > len(waveform):
            waveform.resize(max(written + len(piece), len(waveform) * 3 // 2), refcheck=False)
        waveform[written : written + len(piece)] = piece
        written += len(piece)
        if last:
            waveform.resize(written, refcheck=False)
            return waveform, read


def _reason(error: Exception) -> str:
    return (getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)).strip().rstrip(".")
