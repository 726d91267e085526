"""M4A, AAC, WebM and others through torchcodec, an optional extra that brings FFmpeg's decoders.

torchcodec can only decode an audio stream from its beginning, so all of it is decoded once and kept. It is imported (and
torch with it) when such a file comes, not before.
"""

from __future__ import annotations

import math
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from labcore.audio.containers import CONVERT, INSTALL
from labcore.audio.quiet import STREAMS
from labcore.errors import AudioError

MOST = 1 << 28  # values (frames × channels) that are kept: 1 GB, 50 minutes of 44.1 kHz stereo


class ForeignFile:
    """As much of soundfile.SoundFile's interface as the lab uses, over torchcodec.

    Args:
        source: a path, or the file's content.
        kind: what it is, as "an M4A or MP4 file".
        called: how errors call it.
        max_seconds: longer ones are refused.

    Raises:
        AudioError: torchcodec is not there or does not load, the file cannot be decoded, or is too long.
    """

    def __init__(self, source: str | Path | bytes, kind: str, called: str, max_seconds: float) -> None:
        decoder_class = _decoder_class(kind, called)
        content = isinstance(source, bytes | bytearray | memoryview)
        try:
            with STREAMS:
                decoder = decoder_class(bytes(source) if content else _named(Path(source)))  # type: ignore[arg-type]
            facts = decoder.metadata
            self.samplerate, self.channels = int(facts.sample_rate or 0), int(facts.num_channels or 0)
            most_s = min(max_seconds, MOST / max(1, self.samplerate * self.channels))
            claimed_s = getattr(facts, "duration_seconds_from_header", None) or 0.0
            if claimed_s > most_s + 1:
                raise _too_long(called, claimed_s, most_s)
            with STREAMS:
                samples = decoder.get_samples_played_in_range(0.0, most_s + 1)
        except (RuntimeError, ValueError, TypeError, IndexError, OSError) as error:
            why = str(error).strip().splitlines()
            raise AudioError(
                f"{called} is {kind} that cannot be decoded: {why[0] if why else type(error).__name__}",
                f"Convert it to WAV or FLAC: `{CONVERT}`",
            ) from error
        self.samplerate = int(samples.sample_rate)
        self._samples: np.ndarray = samples.data.numpy()  # (channels, frames)
        self.channels, self.frames = self._samples.shape
        if self.frames > most_s * self.samplerate:
            raise _too_long(called, self.frames / self.samplerate, most_s)
        self.format = kind.removeprefix("an ").removeprefix("a ").removesuffix(" file")
        self.subtype = str(getattr(facts, "codec", None) or "").upper()
        self._at = 0

    def seek(self, frame: int) -> int:
        self._at = min(frame, self.frames)
        return self._at

    def read(
        self, frames: int = -1, dtype: str = "float32", always_2d: bool = True, out: np.ndarray | None = None
    ) -> np.ndarray:
        """The next frames, float32 (frames, channels); fewer at the end."""
        end = self.frames if frames < 0 else min(self.frames, self._at + frames)
        block = self._samples[:, self._at : end].T
        self._at = end
        if out is None:
            return np.array(block, dtype=np.float32, order="C")
        out[: len(block)] = block
        return out[: len(block)]

    def close(self) -> None:
        self._samples = np.empty((0, 0), dtype=np.float32)


def _named(path: Path) -> str | bytes:
    """The path, or the content where its name is not UTF-8, which torchcodec cannot open."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return path.read_bytes()
    return os.fspath(path)


def _decoder_class(kind: str, called: str) -> Any:
    if find_spec("torchcodec") is None:
        raise AudioError(
            f"{called} is {kind}, which only the optional decoder torchcodec reads",
            f"{INSTALL}, or convert the file to WAV or FLAC: `{CONVERT}`",
        )
    try:
        from torchcodec.decoders import AudioDecoder
    except (ImportError, OSError, RuntimeError) as error:  # FFmpeg is missing, or it was built for another torch
        raise AudioError(
            f"{called} is {kind}, and torchcodec, which would read it, does not load: {str(error).strip().splitlines()[0]}",
            f"Install FFmpeg and the torchcodec that fits this torch, or convert the file to WAV or FLAC: `{CONVERT}`",
        ) from error
    return AudioDecoder


def _too_long(called: str, seconds: float, most_s: float) -> AudioError:
    return AudioError(
        f"{called} is {seconds / 60:.4g} min long; of its kind, {math.floor(most_s) / 60:.4g} min are accepted",
        f"Split it, or convert it to FLAC: `{CONVERT.replace('wav', 'flac')}`",
    )
