"""Augmentation of waveforms: noise and rooms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.augment.seeding import uniform

SNR_SPAN_DB = 30.0
"""Signal-to-noise ratios are drawn between the lowest one and so much above it."""
COLOURS = {"any": (0.0, 1.0), "white": (0.0, 0.0), "pink": (0.5, 0.5), "brown": (1.0, 1.0)}
"""Colour of noise → the span of exponents with which its amplitude falls over frequency."""


class AddNoise(nn.Module):
    """Adds noise, made or recorded, at a random signal-to-noise ratio.

    Args:
        share: the share of the clips that get noise.
        lowest_snr_db: ratios are drawn between this one and 30 dB above it.
        colour: ``white`` (flat), ``pink`` (power falls with the frequency), ``brown`` (with its square), or ``any`` between
            white and brown, drawn for each clip.
        recording: (samples,) a sound that is added in place of made noise, each clip from another place of it.
        lowest: made noise begins at this frequency, in cycles per sample, and holds no constant. Nearly all of brown noise lies below
            what is heard, and would be counted in the ratio.
    """

    recording: Tensor | None

    def __init__(
        self,
        share: float,
        lowest_snr_db: float,
        colour: str = "any",
        recording: Tensor | None = None,
        lowest: float = 0.0,
    ) -> None:
        super().__init__()
        self.share, self.lowest_snr_db, self.lowest = share, lowest_snr_db, lowest
        self.colour = COLOURS[colour]
        self.register_buffer("recording", recording, persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → the same shape."""
        noise = self._made(waveforms) if self.recording is None else self._recorded(waveforms, self.recording)
        ratio = 10.0 ** (uniform(waveforms, self.lowest_snr_db, self.lowest_snr_db + SNR_SPAN_DB) / 20.0)
        level = waveforms.square().mean(-1).sqrt() / (noise.square().mean(-1).sqrt() * ratio + 1e-12)
        chosen = uniform(waveforms, 0.0, 1.0) < self.share
        return waveforms + noise * torch.where(chosen, level, torch.zeros_like(level))[:, None]

    def _made(self, waveforms: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(torch.randn_like(waveforms))  # (batch, samples // 2 + 1)
        ramp = torch.arange(1, spectrum.shape[-1] + 1, device=waveforms.device, dtype=waveforms.dtype)
        exponent = uniform(waveforms, *self.colour)
        inside = ramp > max(1.0, self.lowest * waveforms.shape[-1])  # the first is the constant
        return torch.fft.irfft(spectrum * inside * ramp ** -exponent[:, None], n=waveforms.shape[-1])

    @staticmethod
    def _recorded(waveforms: Tensor, recording: Tensor) -> Tensor:
        """Stretches of the recording, which begins again at its end: (batch, samples)."""
        start = uniform(waveforms, 0.0, float(len(recording))).long()
        place = start[:, None] + torch.arange(waveforms.shape[-1], device=waveforms.device)
        return recording[place.remainder(len(recording))]


class Reverb(nn.Module):
    """Puts clips into rooms: convolution with noise that decays exponentially, the simplest model of a diffuse room.

    Source: Moorer, "About this reverberation business", Computer Music Journal 3(2), 1979.

    Args:
        share: the share of the clips that get a room.
        seconds: the longest reverberation time (to -60 dB); times are drawn between a tenth of it and it.
        sample_rate: in Hz.
    """

    DIRECT_DB = (0.0, 15.0)
    """The direct sound is so much louder than the reverberation, drawn for each clip."""

    def __init__(self, share: float, seconds: float, sample_rate: int) -> None:
        super().__init__()
        self.share, self.seconds, self.sample_rate = share, seconds, sample_rate

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → the same shape, at the level it came with."""
        samples = waveforms.shape[-1]
        length = min(samples, max(1, round(self.seconds * self.sample_rate)))
        time = torch.arange(length, device=waveforms.device) / self.sample_rate
        decay = uniform(waveforms, 0.1 * self.seconds, self.seconds)[:, None]
        room = torch.randn(len(waveforms), length, device=waveforms.device) * 10.0 ** (-3.0 * time / decay)
        ratio = 10.0 ** (-uniform(waveforms, *self.DIRECT_DB) / 20.0)
        room = room * (ratio / room.square().sum(-1).sqrt().clamp(min=1e-12))[:, None]
        size = samples + length  # long enough that nothing comes round
        wet = torch.fft.irfft(torch.fft.rfft(waveforms, n=size) * torch.fft.rfft(room, n=size), n=size)[:, :samples]
        reverberant = waveforms + wet
        level = waveforms.square().mean(-1) / reverberant.square().mean(-1).clamp(min=1e-12)
        chosen = uniform(waveforms, 0.0, 1.0) < self.share
        return torch.where(chosen[:, None], reverberant * level.sqrt()[:, None], waveforms)


class NoiseAt(nn.Module):
    """Adds noise at one signal-to-noise ratio, where :class:`AddNoise` draws one.

    Args:
        snr_db: the ratio of the powers over the whole waveform, in dB.
        colour, recording, lowest: as for :class:`AddNoise`.
    """

    def __init__(
        self, snr_db: float, colour: str = "any", recording: Tensor | None = None, lowest: float = 0.0
    ) -> None:
        super().__init__()
        self.snr_db = snr_db
        self.loud = AddNoise(1.0, -60.0, colour, recording, lowest)

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
