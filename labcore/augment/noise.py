"""Noise at a ratio that was chosen; the noise itself is the training chain's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.augment.waveform import AddNoise


class NoiseAt(nn.Module):
    """Adds noise at one signal-to-noise ratio, where :class:`~labcore.augment.AddNoise` draws one.

    Args:
        snr_db: the ratio of the powers over the whole waveform, in dB.
        colour, recording: as for :class:`~labcore.augment.AddNoise`.
    """

    def __init__(self, snr_db: float, colour: str = "any", recording: Tensor | None = None) -> None:
        super().__init__()
        self.snr_db = snr_db
        self.loud = AddNoise(1.0, -60.0, colour, recording)

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → the same shape. Silence stays silence."""
        return mixed_at(waveforms, self.noise_for(waveforms), self.snr_db)

    def noise_for(self, waveforms: Tensor) -> Tensor:
        """Noise as the chain would draw it for these waveforms, at no particular level: (batch, samples)."""
        carrier = torch.full_like(waveforms, 1e-3)  # what noise is drawn to, so that silence gets some as well
        return self.loud(carrier) - carrier


def mixed_at(waveforms: Tensor, noise: Tensor, snr_db: float) -> Tensor:
    """Noise added to waveforms so that their powers have this ratio: (batch, samples) each → the same shape."""
    level = waveforms.square().mean(-1) / noise.square().mean(-1).clamp(min=1e-20)
    return waveforms + noise * (level.sqrt() * 10.0 ** (-snr_db / 20.0))[:, None]


def ratio_db(waveform: Tensor, noisy: Tensor) -> float | None:
    """The signal-to-noise ratio that noise was added at: (samples,) each. None where there is none."""
    added, power = (noisy - waveform).square().mean(), waveform.square().mean()
    return float(10.0 * torch.log10(power / added)) if added > 0 and power > 0 else None
