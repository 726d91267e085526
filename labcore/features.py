"""LogMel: the one front end. Training, evaluation, the pages and the saved classifier compute features here and nowhere else."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from labcore.config import RunConfig
from labcore.errors import LabError
from labcore.loading import load_torchaudio

try:
    torchaudio = load_torchaudio()
except (ImportError, OSError, RuntimeError) as error:  # OSError: it was built for another torch
    raise LabError(
        f"torchaudio cannot be loaded: {error}", "Install torch and torchaudio together, from the same index"
    ) from error

WINDOWS = {
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
    "rectangular": torch.ones,
}
"""Window functions by the name the configuration gives them."""


class LogMel(nn.Module):
    """Waveform to normalised log-mel spectrogram, in batches, on the device it was moved to.

    In three steps that can be taken one by one, so that augmentation can act between them: mel power, decibels,
    normalisation. The normalisation is a mean and a deviation for each mel band, from the training clips; it is kept with
    the weights. Until :meth:`fit` it does nothing.

    The mel power is that of ``librosa.feature.melspectrogram(htk=True, norm=None, pad_mode="constant")``, or what the mel
    scale and norm of the configuration say in place of ``htk`` and ``norm``.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        features = config.features
        self.sample_rate, self.hop_length = config.sample_rate, config.framing.hop_length
        self.floor_db = features.floor_db
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "At least one mel filterbank", UserWarning)  # empty_bands tells it
            self.spectrogram = torchaudio.transforms.MelSpectrogram(
                sample_rate=config.sample_rate,
                **config.framing._asdict(),
                f_min=config.f_min,
                f_max=config.f_max,
                n_mels=features.n_mels,
                power=2.0,
                window_fn=WINDOWS[features.window],
                mel_scale=features.mel_scale,
                norm=None if features.mel_norm == "none" else features.mel_norm,
                center=True,
                pad_mode="constant",
            )
        for window in (self.spectrogram.spectrogram, self.spectrogram.mel_scale):
            window._non_persistent_buffers_set.update(window._buffers)  # worked out from the configuration: not saved
        self.register_buffer("mean", torch.zeros(features.n_mels, 1))
        self.register_buffer("deviation", torch.ones(features.n_mels, 1))

    @property
    def empty_bands(self) -> int:
        """Mel bands that hear nothing, since no bin of the Fourier transform lies in them: too many bands for the FFT size."""
        return int((self.spectrogram.mel_scale.fb.amax(0) == 0).sum())

    def frames(self, samples: int) -> int:
        """Frames that a waveform of ``samples`` samples becomes."""
        return samples // self.hop_length + 1

    def power(self, waveforms: Tensor) -> Tensor:
        """Mel power: (batch, samples) → (batch, n_mels, frames), float32."""
        front = self.spectrogram.spectrogram
        spectrum = torchaudio.functional.spectrogram(
            waveforms.float(), front.pad, front.window, front.n_fft, front.hop_length, front.win_length,
            power=None, normalized=front.normalized, center=front.center, pad_mode=front.pad_mode,
        )  # fmt: skip
        parts = torch.view_as_real(spectrum)  # squares alone: torchaudio's power takes a root, and squares that
        squares = parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1])  # (batch, bins, frames)
        return self.spectrogram.mel_scale.fb.T @ squares

    def decibels(self, power: Tensor) -> Tensor:
        """Level in dB, floored: (batch, n_mels, frames) → the same shape."""
        return 10.0 * torch.log10(power.clamp(min=10.0 ** (self.floor_db / 10.0)))

    def normalise(self, decibels: Tensor) -> Tensor:
        """Each mel band to mean 0 and deviation 1 over the training clips: shape unchanged."""
        return (decibels - self.mean) / self.deviation

    def fit(self, total: Tensor, squares: Tensor, count: int) -> None:
        """Set the normalisation from sums over the training clips' frames in dB.

        Args:
            total, squares: (n_mels,) sums of the levels and of their squares, float64.
            count: how many frames were summed.
        """
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=0.0)
        self.mean.copy_(mean[:, None])
        self.deviation.copy_(variance.sqrt().clamp(min=1.0)[:, None])  # a band that is always silent stays finite

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → (batch, n_mels, frames), normalised."""
        return self.normalise(self.decibels(self.power(waveforms)))
