"""One waveform to its features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labcore.audio import dequantise, quantise
from labcore.classifier import Classifier, centred
from labcore.errors import ConfigError
from labcore.extract.settings import ExtractSettings
from labcore.features import LogMel
from labcore.models.ensemble import Ensemble

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
            self.classifier = Classifier.load(Path(settings.weights), device)
            self.sample_rate = self.classifier.sample_rate
            return
        self.sample_rate = settings.config.audio.sample_rate
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
            return embeddings_of(self.classifier, waveform, bounds), starts
        features = self._frames(waveform)
        hop = self.log_mel.hop_length
        return features, np.arange(features.shape[1]) * hop / self.sample_rate

    def _frames(self, waveform: np.ndarray) -> np.ndarray:
        hop, half = self.log_mel.hop_length, self.settings.config.framing.n_fft // 2
        margin = -(-half // hop)  # frames on either side that hear the cut
        total = self.log_mel.frames(len(waveform))
        rows = self.settings.config.features.n_mels if self.dct is None else self.settings.n_mfcc
        result = np.empty((rows, total), dtype=np.float32)
        for first in range(0, total, FRAMES):
            last = min(total, first + FRAMES)
            begin, end = max(0, first - margin) * hop, min(len(waveform), (last + margin) * hop)
            piece = torch.from_numpy(np.ascontiguousarray(waveform[begin:end])).to(self.device)
            decibels = self.log_mel.decibels(self.log_mel.power(piece[None]))[0]  # (n_mels, frames of the piece)
            decibels = decibels[:, first - begin // hop :][:, : last - first]
            if self.dct is not None:
                decibels = self.dct.T @ decibels  # (n_mfcc, frames)
            result[:, first:last] = decibels.cpu().numpy()
        return result


@torch.inference_mode()
def embeddings_of(classifier: Classifier, waveform: np.ndarray, bounds: list[tuple[int, int]]) -> np.ndarray:
    """What the network's last layer is given, for windows of a waveform: (windows, width) float32.

    The windows are those of :meth:`Classifier.probabilities_of`: 16-bit samples, a shorter one in the middle of
    silence. Of an ensemble, what all members give stands side by side.

    Raises:
        ConfigError: the network does not end in a linear layer.
    """
    samples, scale = quantise(waveform)
    network = classifier.network
    lasts = [last_linear(member) for member in (network.members if isinstance(network, Ensemble) else [network])]
    taken: list[Tensor] = []

    def take(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        taken.append(inputs[0].detach().float().flatten(1))

    hooks = [last.register_forward_pre_hook(take) for last in lasts]
    rows = []
    try:
        classifier.eval()
        for first in range(0, len(bounds), WINDOWS):
            batch = np.stack(
                [centred(samples[b:e], classifier.config.clip_samples) for b, e in bounds[first : first + WINDOWS]]
            )
            classifier(torch.from_numpy(dequantise(batch, scale)).to(classifier.device))
            rows.append(torch.cat(taken, 1).cpu().numpy())
            taken.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return np.concatenate(rows)


def last_linear(network: nn.Module) -> nn.Linear:
    """The layer that gives a network's logits.

    Raises:
        ConfigError: there is none.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ConfigError("the network has no linear layer at its end", "Take the embeddings of another run")
    return layers[-1]
