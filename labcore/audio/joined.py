"""Streams of one file that are heard one after the other, as one file for a decoder's caller."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np
import soundfile

from labcore.audio.quiet import QuietFile
from labcore.audio.raw import Read, Spliced
from labcore.audio.streams import CONVERT, DecodePlan
from labcore.errors import AudioError

SKIPPED = 1 << 20  # frames that are dropped at a time


def skip(file: Any, frames: int) -> None:
    """Read on and drop what is read, up to the end at most."""
    while frames > 0:
        passed = len(file.read(min(frames, SKIPPED), dtype="float32", always_2d=True))
        frames = frames - passed if passed else 0


class JoinedFile:
    """As much of soundfile.SoundFile's interface as the lab uses, over the streams of a :class:`labcore.audio.streams.DecodePlan`.

    Raises:
        soundfile.SoundFileError: a stream cannot be decoded.
        AudioError: the streams differ in sample rate or channels.
    """

    def __init__(self, read: Read, reading: DecodePlan, called: str) -> None:
        self._read, self._streams, self._gain, self.notes = read, reading.streams, reading.gain, reading.notes
        self._open: soundfile.SoundFile | None = None
        self._number = -1
        lengths: list[int] = []
        for number in range(len(self._streams)):
            file = self._stream(number)
            if number == 0:
                self.samplerate, self.channels, self.format, self.subtype = _facts(file)
            elif (file.samplerate, file.channels) != (self.samplerate, self.channels):
                raise AudioError(
                    f"{called} consists of streams with different formats: {_told(self.samplerate, self.channels)}, then "
                    f"{_told(file.samplerate, file.channels)} from {sum(lengths) / self.samplerate:.4g} s on",
                    f"{CONVERT}, or split it",
                )
            lengths.append(file.frames)
        self._ends = list(accumulate(lengths))
        self.frames = self._ends[-1]
        self.seek(0)

    def _stream(self, number: int) -> soundfile.SoundFile:
        """The file of a stream; the one before is closed."""
        if number != self._number or self._open is None:
            self.close()
            self._open = QuietFile(Spliced(self._read, self._streams[number]))
            self._number = number
        return self._open

    def seek(self, frame: int) -> int:
        self._at = min(max(0, frame), self.frames)
        number = min(bisect_right(self._ends, self._at), len(self._ends) - 1)
        first = self._ends[number - 1] if number else 0
        try:
            self._stream(number).seek(self._at - first)
        except soundfile.SoundFileError:  # its codec cannot jump
            self.close()
            skip(self._stream(number), self._at - first)
        return self._at

    def read(
        self, frames: int = -1, dtype: str = "float32", always_2d: bool = True, out: np.ndarray | None = None
    ) -> np.ndarray:
        """The next frames, float32 (frames, channels); fewer at the end."""
        wanted = self.frames - self._at if frames < 0 else min(frames, self.frames - self._at)
        block = np.empty((wanted, self.channels), dtype=np.float32) if out is None else out[:wanted]
        filled = 0
        while filled < wanted:
            part = self._stream(self._number).read(wanted - filled, dtype="float32", always_2d=True)
            if len(part):
                block[filled : filled + len(part)] = part
                filled += len(part)
            elif self._number + 1 < len(self._streams):
                self._stream(self._number + 1)
            else:
                break
        self._at += filled
        if self._gain != 1:
            block[:filled] *= np.float32(self._gain)
        return block[:filled]

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _facts(file: soundfile.SoundFile) -> tuple[int, int, str, str]:
    return file.samplerate, file.channels, file.format, file.subtype


def _told(rate: int, channels: int) -> str:
    return f"{rate} Hz with {channels} channel{'s' if channels > 1 else ''}"
