"""One waveform to its features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from labcore.audio import Recording, quantise
from labcore.audio.windowed import Rows, hear
from labcore.errors import ConfigError
from labcore.extract.settings import ExtractSettings
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.inference.route_finder import find_later
from labcore.workspace import Workspace

FRAMES = 4096
"""Frames that are computed at a time: a recording of hours needs no more memory for its spectrogram than it has frames."""
WINDOWS = 64


class Extractor:
    """Waveforms to arrays, on a device.

    ``starts`` of the result tells what its rows are: (array, start of each frame or window in seconds). Log-mels are (n_mels, frames)
    in dB, MFCC (n_mfcc, frames), embeddings (windows, width), float32.

    Raises:
        RunError: the weights cannot be read.
    """

    def __init__(self, settings: ExtractSettings, device: str = "cpu") -> None:
        self.settings = settings
        self.classifier: Classifier | None = None
        if settings.kind == "embeddings":
            self.classifier = find_later(Classifier.load(Path(settings.weights), device), Workspace.default())
            self.sample_rate = self.classifier.sample_rate
            return
        self.sample_rate = settings.config.sample_rate
        self.device = torch.device(device)
        self.log_mel = LogMel(settings.config).to(self.device).eval()
        self.dct: Tensor | None = None
        if settings.kind == "mfcc":
            from torchaudio.functional import create_dct

            # (n_mels, n_mfcc), the orthonormal DCT-II of Davis and Mermelstein, 1980; librosa's mfcc(S=decibels) gives the same
            self.dct = create_dct(settings.n_mfcc, settings.config.features.n_mels, "ortho").to(self.device)

    @torch.inference_mode()
    def __call__(self, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(samples,) float32 at :attr:`sample_rate` → the array, and the start of each of its frames or windows in seconds."""
        if self.classifier is not None:
            bounds = self.classifier.windows_of(len(waveform), self.settings.hop_seconds)
            starts = np.array([begin for begin, _ in bounds]) / self.sample_rate
            return embeddings_of(self.classifier, *quantise(waveform), bounds), starts
        pieces = _FrameCutter(self).add(waveform, last=True)
        features = np.concatenate([self._levels(*piece) for piece in pieces], axis=1)
        return features, self._moments(features.shape[1])

    @torch.inference_mode()
    def of_recording(self, recording: Recording) -> tuple[np.ndarray, np.ndarray, int]:
        """The same of a recording that is taken block by block, and how many samples it has. Only the result grows with its length.

        Raises:
            AudioError: as :meth:`Recording.waveform` does.
        """
        if self.classifier is not None:
            return self._embeddings_of(self.classifier, recording)
        parts: list[np.ndarray] = []
        frames = _FrameCutter(self)
        for block in recording.waveform():
            if block.anew:
                parts, frames = [], _FrameCutter(self)
            parts += [self._levels(*piece) for piece in frames.add(block.samples, block.last)]
        features = np.concatenate(parts, axis=1)
        return features, self._moments(features.shape[1]), frames.seen

    def _moments(self, frames: int) -> np.ndarray:
        return np.arange(frames) * self.log_mel.hop_length / self.sample_rate

    @property
    def margin(self) -> int:
        """Frames on either side of a cut that hear it."""
        return -(-(self.settings.config.framing.n_fft // 2) // self.log_mel.hop_length)

    def _embeddings_of(self, classifier: Classifier, recording: Recording) -> tuple[np.ndarray, np.ndarray, int]:
        def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
            rows = embeddings_of(classifier, samples, scale, bounds)
            return lambda: rows

        found = hear(recording, lambda: classifier.cutter(self.settings.hop_seconds, WINDOWS), ask)
        starts = np.array([begin for begin, _ in found.bounds]) / classifier.sample_rate
        return found.rows, starts, found.samples

    def _levels(self, piece: np.ndarray, first: int, count: int) -> np.ndarray:
        """``count`` frames from the ``first`` one of a piece of a waveform on: (rows, count)."""
        waveform = torch.from_numpy(np.ascontiguousarray(piece)).to(self.device)
        decibels = self.log_mel.decibels(self.log_mel.power(waveform[None]))[0]  # (n_mels, frames of the piece)
        decibels = decibels[:, first : first + count]
        if self.dct is not None:
            decibels = self.dct.T @ decibels  # (n_mfcc, frames)
        return decibels.cpu().numpy().copy()


class _FrameCutter:
    """Cuts a waveform that comes in blocks into pieces of :data:`FRAMES` frames, each with the samples around it that they hear.

    Attributes:
        seen: samples that were taken.
    """

    def __init__(self, extractor: Extractor) -> None:
        self._hop, self._margin = extractor.log_mel.hop_length, extractor.margin
        self._frames_of = extractor.log_mel.frames
        self._kept = np.empty(0, dtype=np.float32)
        self._at = 0  # where what is kept begins
        self._done = 0  # frames
        self.seen = 0

    def add(self, samples: np.ndarray, last: bool) -> Iterator[tuple[np.ndarray, int, int]]:
        """Take the next samples; each piece that is complete now, with its first frame that counts and how many do."""
        self.seen += len(samples)
        self._kept = np.concatenate([self._kept, samples]) if len(self._kept) else np.array(samples)
        total = self._frames_of(self.seen)
        while self._done < total and (last or self.seen >= (self._done + FRAMES + self._margin) * self._hop):
            first, end = self._done, min(total, self._done + FRAMES)
            begin = max(0, first - self._margin)
            piece = self._kept[begin * self._hop - self._at : (end + self._margin) * self._hop - self._at]
            yield piece, first - begin, end - first
            self._done = end
        after = max(0, self._done - self._margin) * self._hop
        self._kept, self._at = self._kept[after - self._at :].copy(), after


def embeddings_of(
    classifier: Classifier, samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]
) -> np.ndarray:
    """What the network's last layer is given, for windows of a clip: (windows, width) float32.

    Args:
        samples, scale, bounds: as for :meth:`Classifier.rows_of`. Of an ensemble, what all members give stands side by side.

    Raises:
        ConfigError: the network has no last layer.
    """
    rows = classifier.embeddings_of(samples, scale, bounds, WINDOWS)
    if not rows.shape[1]:
        raise ConfigError("the network has no last layer to take embeddings from", "Use another run")
    return rows
