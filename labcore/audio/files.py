"""Opening audio files and buffers: what a header says, and whether it can be true.

Headers are claims: nothing is allocated by them, and what they promise is held against the bytes that are there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile

from labcore.allowed_paths import allowed_paths, sound_at
from labcore.audio.containers import FORMATS, KNOWN, describe, foreign_kind
from labcore.audio.foreign import ForeignFile
from labcore.audio.joined import JoinedFile
from labcore.audio.limits import MAX_MB, MAX_SECONDS, Limits, default_limits
from labcore.audio.quiet import QuietFile
from labcore.audio.raw import Read, Spliced, in_memory_file, reader
from labcore.audio.streams import DecodePlan, duration, not_read, reading_of, truncated
from labcore.errors import AudioError

PEAK = 1e6  # 120 dB above full scale: a damaged file, and its power would overflow
AT_A_TIME = 4096
"""Values that libsndfile's ADPCM decoders give at a time: where they are no whole frames, it loses its place among the channels."""
UNKNOWN_FRAMES = 2**62  # libsndfile gives the largest number there is where a header does not say
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64, "ALAC_16": 16}
BITS |= {"ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32}

Source = str | Path | bytes
OpenFile: TypeAlias = "QuietFile | JoinedFile | ForeignFile"


READINGS_KEPT = 256
_readings: dict[tuple[str, int, int, int, int], DecodePlan] = {}


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says. ``frames`` is samples a channel; ``notes`` what a user should know, in words that follow its name."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    frames: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int | None:
        """Bits of a stored sample; None where the codec stores none, as lossy ones do."""
        return BITS.get(self.codec)


def probe(source: Source, *, name: str = "", limits: Limits | None = None) -> AudioInfo:
    """Read a file's header, without decoding it.

    Args:
        source: a path, or the file's content.
        name: how errors call it, where the path does not say (an upload's own name).

    Raises:
        AudioError: the file is missing, empty, or not audio.
    """
    called = called_by(source, name)
    with opened(source, called, limits or default_limits()) as file:
        return info_of(file)


def content_of(path: str | Path) -> bytes:
    """The bytes of a sound file, for whoever decodes them; they are to go nowhere else.

    Raises:
        AudioError: it is missing, may not be opened, or is no sound.
    """
    called, limits = str(path), default_limits()
    with opened(path, called, limits), _bytes_of(_place(path, called), called, limits) as (read, size, _):
        return read(0, size)


def info_of(file: OpenFile) -> AudioInfo:
    seconds = file.frames / file.samplerate
    notes = getattr(file, "notes", ())
    return AudioInfo(file.format, file.subtype, file.samplerate, file.channels, file.frames, seconds, notes)


def called_by(source: Source, name: str) -> str:
    return name or ("the audio" if isinstance(source, bytes | bytearray | memoryview) else str(source))


@contextmanager
def opened(source: Source, called: str, limits: Limits) -> Iterator[OpenFile]:
    """The open file, its container checked, or an AudioError that says why it cannot be opened."""
    source = _place(source, called)
    with _bytes_of(source, called, limits) as (read, size, descriptor):
        reading = _reading(source, read, size, descriptor, called)
        with closing(_decoder(source, read, size, descriptor, reading, called, limits)) as file:
            _check_container(file, called, limits)
            yield file


@contextmanager
def _bytes_of(source: Source, called: str, limits: Limits) -> Iterator[tuple[Read, int, int]]:
    """What reads at offsets, the size, and the descriptor of a file or -1. A name may hold bytes of any kind, so files are opened here."""
    if isinstance(source, bytes | bytearray | memoryview):
        _check_size(len(source), called, limits)
        with in_memory_file(source) as descriptor:
            yield reader(source), len(source), descriptor
        return
    _check_size(_size(Path(source), called), called, limits)
    with AudioError.on_os_error(f"{called} cannot be read", "Check its permissions", ValueError):
        descriptor = os.open(source, os.O_RDONLY | (os.O_NOFOLLOW if allowed_paths() is not None else 0))
    try:
        yield reader(descriptor), os.fstat(descriptor).st_size, descriptor
    finally:
        os.close(descriptor)


def _place(source: Source, called: str) -> Source:
    """What is opened: a path with its links followed, where only some may be."""
    if isinstance(source, bytes | bytearray | memoryview):
        return source
    place = sound_at(source)
    if place is None:
        raise AudioError(*_missing(called))
    return place


def _missing(called: str) -> tuple[str, str]:
    return f"{called} does not exist", "Check the path"


def _check_size(size: int, called: str, limits: Limits) -> None:
    if size == 0:
        raise AudioError(f"{called} is empty: 0 bytes", "Fetch or export the file again")
    if size > limits.max_bytes:
        raise AudioError(
            f"{called} has {size / 1e6:.0f} MB, more than the {limits.max_bytes / 1e6:.0f} MB that are accepted",
            f"Split it{_or_more(MAX_MB, limits)}",
        )


def _reading(source: Source, read: Read, size: int, descriptor: int, called: str) -> DecodePlan:
    """How the file is to be read. It is remembered for files, since whoever reads a long recording opens it several times."""
    if isinstance(source, bytes | bytearray | memoryview):
        return reading_of(read, size, called)
    facts = os.fstat(descriptor)
    key = (os.fspath(source), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    known = _readings.get(key)
    if known is None:
        known = reading_of(read, size, called)
        while len(_readings) >= READINGS_KEPT:
            _readings.pop(next(iter(_readings), key), None)
        _readings[key] = known
    return known


def _decoder(
    source: Source, read: Read, size: int, descriptor: int, reading: DecodePlan, called: str, limits: Limits
) -> OpenFile:
    try:
        if reading.streams:
            return JoinedFile(read, reading, called)
        if not reading.container:
            return _other_kind(source, read(0, 512), called, limits)
        whole = descriptor if descriptor >= 0 else Spliced(read, [(0, size)])
        return QuietFile(whole, closefd=False)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        if reading.unread:
            raise not_read(called, reading.unread) from error
        what, remedy = describe(read(0, 512))
        raise AudioError(f"{called} {what}", remedy) from error


def _other_kind(source: Source, head: bytes, called: str, limits: Limits) -> ForeignFile:
    """What only the optional decoder reads. Nothing else is opened, whatever libsndfile would make of it: it is an error."""
    kind = foreign_kind(head)
    if kind:
        return ForeignFile(source, kind, called, limits.max_seconds)
    what, remedy = describe(head)
    raise AudioError(f"{called} {what}", remedy)


def _check_container(file: OpenFile, called: str, limits: Limits) -> None:
    if not isinstance(file, ForeignFile) and file.format not in FORMATS:
        raise AudioError(f"{called} is not audio of a known kind", KNOWN)
    if not limits.min_rate <= file.samplerate <= limits.max_rate:
        raise AudioError(
            f"{called} claims a sample rate of {file.samplerate} Hz", "Its header is damaged: export the file again"
        )
    if file.channels > limits.max_channels:
        raise AudioError(
            f"{called} claims {file.channels} channels, more than the {limits.max_channels} that are accepted",
            "Mix it down first",
        )
    if "ADPCM" in file.subtype and AT_A_TIME % file.channels:
        raise not_read(called, f"holds ADPCM with {file.channels} channels")
    if file.frames >= UNKNOWN_FRAMES:
        raise AudioError(
            f"{called} does not state its length, as files written into a pipe do",
            "Convert it, for instance with `ffmpeg -i FILE clip.flac`",
        )
    if file.frames <= 0:
        raise AudioError(f"{called} contains no samples", "Remove it, or export it again")


def _size(path: Path, called: str) -> int:
    with AudioError.on_os_error(f"{called} cannot be read", "Check its permissions", ValueError):
        try:
            info = path.stat()
        except FileNotFoundError as error:
            raise AudioError(*_missing(called)) from error
    if stat.S_ISDIR(info.st_mode):
        raise AudioError(f"{called} is a folder, not an audio file", "Choose a file in it")
    if not stat.S_ISREG(info.st_mode):
        raise AudioError(f"{called} is not a regular file", "Copy the audio into a file first")
    return info.st_size


def stretch_of(file: OpenFile, called: str, start_s: float, end_s: float | None, limits: Limits) -> tuple[int, int]:
    """The first frame and the number of frames to read."""
    frames, rate = file.frames, file.samplerate
    start = round(start_s * rate)
    if start >= frames:
        raise AudioError(
            f"{called} is {frames / rate:.4g} s long, but the part to read starts at {start_s:g} s", "Correct the start"
        )
    end = frames if end_s is None else min(frames, max(start + 1, round(end_s * rate)))
    if end - start > limits.max_seconds * rate:
        raise _too_long(called, (end - start) / rate, limits)
    return start, end - start


def _too_long(called: str, seconds: float, limits: Limits) -> AudioError:
    return AudioError(
        f"{called} claims to be {duration(seconds)} long, more than the {duration(limits.max_seconds)} that are accepted",
        f"Split it, or correct its header{_or_more(MAX_SECONDS, limits)}",
    )


def _or_more(variable: str, limits: Limits) -> str:
    """Where the limits are those of the user's own files, how to have others."""
    return f"; {variable} in the environment is another limit" if limits == default_limits() else ""


def reason(error: Exception) -> str:
    return (getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)).strip().rstrip(".")


@contextmanager
def reading(called: str) -> Iterator[None]:
    """What goes wrong while samples are read, as an AudioError."""
    try:
        yield
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(
            f"{called} is damaged: decoding stopped with “{reason(error)}”", "Fetch or export the file again"
        ) from error
    except MemoryError as error:
        raise AudioError(f"{called} is too long for this machine's memory", "Split it") from error


def check_length(file: OpenFile, called: str, count: int, read: int) -> None:
    """Raise an AudioError where much less was read than the header promised."""
    if read == 0:
        raise AudioError(f"{called} contains no decodable samples", "Fetch or export the file again")
    # Encoder delays make a header a little wrong; a header in which more is missing tells of a file that was cut off.
    if count - read > max(1, min(0.01 * count, 0.1 * file.samplerate)):
        raise truncated(called, count / file.samplerate, read / file.samplerate)


def check_values(waveform: np.ndarray, called: str) -> None:
    """Raise an AudioError where a sample is no number or beyond all measure."""
    if not waveform.size:
        return
    low, high = float(waveform.min()), float(waveform.max())  # not a number where any sample is none
    if not (low >= -PEAK and high <= PEAK):
        wrong = int(np.count_nonzero(~np.isfinite(waveform)))
        what = f"{wrong} samples that are not finite numbers" if wrong else f"samples as large as {max(-low, high):.3g}"
        raise AudioError(f"{called} holds {what}", "Export it again, or remove it")
