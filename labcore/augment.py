"""What is done to training clips so that a network hears more than was recorded. Batched modules that run on the device.

They act at three points of the way from waveform to network: on the waveform, on the mel power before the logarithm, where
energies of sounds heard at once add up, and on the normalised log-mel. All draw from torch's global generator of the device
that the batch lies on, so that a seed set at the start of an epoch makes the epoch repeatable.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.config import AugmentConfig


def uniform(batch: Tensor, low: float, high: float) -> Tensor:
    """One number between low and high for each item of the batch: (batch,), on its device."""
    return torch.rand(len(batch), device=batch.device) * (high - low) + low


class AddNoise(nn.Module):
    """Adds noise with a spectrum between white (flat) and brown (power falling with the square of frequency).

    Args:
        share: the share of the clips that get noise.
        lowest_snr_db: signal-to-noise ratios are drawn between this one and 30 dB above it.
    """

    def __init__(self, share: float, lowest_snr_db: float) -> None:
        super().__init__()
        self.share, self.lowest_snr_db = share, lowest_snr_db

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, samples) → the same shape."""
        samples = waveforms.shape[-1]
        spectrum = torch.fft.rfft(torch.randn_like(waveforms))  # (batch, samples // 2 + 1)
        ramp = torch.arange(1, spectrum.shape[-1] + 1, device=waveforms.device, dtype=waveforms.dtype)
        exponent = uniform(waveforms, 0.0, 1.0)
        noise = torch.fft.irfft(spectrum * ramp ** -exponent[:, None], n=samples)
        ratio = 10.0 ** (uniform(waveforms, self.lowest_snr_db, self.lowest_snr_db + 30.0) / 20.0)
        level = waveforms.square().mean(-1).sqrt() / (noise.square().mean(-1).sqrt() * ratio + 1e-12)
        chosen = uniform(waveforms, 0.0, 1.0) < self.share
        return waveforms + noise * torch.where(chosen, level, torch.zeros_like(level))[:, None]


class TimeScale(nn.Module):
    """Plays spectrograms slower or faster at unchanged pitch, and cuts them to the frames the network takes.

    Works on the mel power by interpolation between frames, as cheap as a copy. The input holds ``1 + amount`` times the
    frames of the output; what the output shows lies around its middle.
    """

    def __init__(self, frames: int, amount: float) -> None:
        super().__init__()
        self.frames, self.amount = frames, amount

    @staticmethod
    def frames_needed(frames: int, amount: float) -> int:
        """Frames of input for so many frames of output."""
        return frames + 2 * int(frames * amount / 2 + 0.999) if amount else frames

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames_needed) → (batch, n_mels, frames)."""
        if not self.amount:
            return power
        given = power.shape[-1]
        rate = torch.exp2(uniform(power, -1.0, 1.0) * torch.log2(torch.tensor(1.0 + self.amount)).item())
        middle = torch.arange(self.frames, device=power.device) - (self.frames - 1) / 2
        position = middle * rate[:, None] + (given - 1) / 2  # (batch, frames)
        before = position.floor().clamp(0, given - 2)
        weight = (position - before).clamp(0.0, 1.0)[:, None, :]
        index = before.long()[:, None, :].expand(-1, power.shape[1], -1)
        return torch.lerp(power.gather(2, index), power.gather(2, index + 1), weight)


class Gain(nn.Module):
    """Makes each clip louder or softer by up to ``gain_db`` decibels, on power spectrograms."""

    def __init__(self, gain_db: float) -> None:
        super().__init__()
        self.gain_db = gain_db

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames) → the same shape."""
        return power * 10.0 ** (uniform(power, -self.gain_db, self.gain_db) / 10.0)[:, None, None]


class Mix(nn.Module):
    """Mixes clips with others of the batch, labels in the same ratio, as between-class learning does.

    Amplitudes are weighted so that the ratio is one of perceived levels, and energies add up as they do for uncorrelated
    sounds. Source: Tokozume, Ushiku, Harada, "Learning from Between-class Examples for Deep Sound Recognition", ICLR 2018,
    there on waveforms; mixup in general: Zhang et al., ICLR 2018.

    Args:
        share: the share of the clips that are mixed.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, power: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n_mels, frames), (batch, classes) → the same shapes; targets become soft."""
        ratio = uniform(power, 0.0, 1.0)
        ratio = torch.where(uniform(power, 0.0, 1.0) < self.share, ratio, torch.ones_like(ratio))
        other = power.roll(1, 0)  # batches are drawn at random: the neighbour is a random clip
        level = power.mean((1, 2)).clamp(min=1e-10)
        # amplitude of this clip, of 1: 1 / (1 + 10^((G1 - G2) / 20) · (1 - r) / r), with levels G in dB
        loudness = (level / level.roll(1, 0)).sqrt()
        amplitude = ratio / (ratio + loudness * (1.0 - ratio)).clamp(min=1e-6)
        own, others = amplitude.square(), (1.0 - amplitude).square()
        mixed = (power * own[:, None, None] + other * others[:, None, None]) / (own + others)[:, None, None]
        return mixed, torch.lerp(targets.roll(1, 0), targets, ratio[:, None])


class Mask(nn.Module):
    """Blanks stretches along one axis of the normalised log-mel: SpecAugment without the warping.

    Source: Park et al., "SpecAugment", Interspeech 2019.

    Args:
        axis: 1 for mel bands, 2 for frames.
        share: the longest stretch as a share of the axis.
        count: how many stretches.
    """

    def __init__(self, axis: int, share: float, count: int) -> None:
        super().__init__()
        self.axis, self.share, self.count = axis, share, count

    def forward(self, log_mel: Tensor) -> Tensor:
        """(batch, n_mels, frames) → the same shape. Blank is 0, the mean of the band."""
        size = log_mel.shape[self.axis]
        place = torch.arange(size, device=log_mel.device)
        keep = torch.ones(len(log_mel), size, dtype=torch.bool, device=log_mel.device)
        for _ in range(self.count):
            length = uniform(log_mel, 0.0, self.share * size)[:, None]
            start = uniform(log_mel, 0.0, 1.0)[:, None] * (size - length)
            keep &= (place < start) | (place >= start + length)
        return log_mel * (keep[:, :, None] if self.axis == 1 else keep[:, None, :])


class Augmentation(nn.Module):
    """The training chain in its three parts. A part that does nothing is an empty ``nn.Sequential``.

    Args:
        config: the strengths.
        frames: frames of the network's input.
    """

    def __init__(self, config: AugmentConfig, frames: int) -> None:
        super().__init__()
        self.on_waveform = nn.Sequential()
        if config.noise:
            self.on_waveform.append(AddNoise(config.noise, config.noise_snr_db))
        self.on_power = nn.Sequential(TimeScale(frames, config.time_scale))
        if config.gain_db:
            self.on_power.append(Gain(config.gain_db))
        self.mix = Mix(config.mixup)
        self.on_log_mel = nn.Sequential()
        if config.time_mask:
            self.on_log_mel.append(Mask(2, config.time_mask, config.masks))
        if config.freq_mask:
            self.on_log_mel.append(Mask(1, config.freq_mask, config.masks))
