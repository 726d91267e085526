"""Augmentation of spectrograms: tempo, pitch, colour and level, and two sounds at once on mel powers; masks on log-mels."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labcore.augment.seeding import uniform


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
        return _stretched(power, self._rates(power), self.frames)

    def _rates(self, power: Tensor) -> Tensor:
        """(batch,) how much faster each clip is played."""
        return torch.exp2(uniform(power, -1.0, 1.0) * math.log2(1.0 + self.amount))


class Bands(nn.Module):
    """Where the mel bands lie, so that a spectrogram can be moved up and down in frequency.

    Args:
        n_mels: how many there are.
        f_min, f_max: what they span, in Hz.
        scale: ``htk`` or ``slaney``, the two definitions of the mel.
    """

    centres: Tensor

    def __init__(self, n_mels: int, f_min: float, f_max: float, scale: str = "htk") -> None:
        super().__init__()
        self.scale = scale
        low, high = self._mel(torch.tensor([f_min, f_max], dtype=torch.float64)).tolist()
        self.step, self.first = (high - low) / (n_mels + 1), low + (high - low) / (n_mels + 1)
        places = self.first + self.step * torch.arange(n_mels, dtype=torch.float64)
        self.register_buffer("centres", self._hertz(places).float(), persistent=False)

    def transposed(self, power: Tensor, factors: Tensor) -> Tensor:
        """Each clip with all its frequencies times a factor: (batch, n_mels, frames), (batch,) → (batch, n_mels, frames).

        What would come from beyond the lowest or the highest band is silence. Cheap and without the phase vocoder's smear, as
        in vocal tract length perturbation. Source: Jaitly, Hinton, ICML workshop on deep learning for audio, 2013.
        """
        source = self.places(self.centres / factors[:, None])  # (batch, n_mels)
        lower = source.floor()
        total = torch.zeros_like(power)
        for bands, weights in ((lower, 1.0 - (source - lower)), (lower + 1.0, source - lower)):
            inside = (bands >= 0) & (bands < power.shape[1])
            index = bands.clamp(0, power.shape[1] - 1).long()[:, :, None].expand(-1, -1, power.shape[2])
            total += power.gather(1, index) * (weights * inside)[:, :, None]
        return total

    def places(self, hertz: Tensor) -> Tensor:
        """Where frequencies lie among the bands, any shape: 0 in the middle of the lowest, 0.5 between it and the next."""
        return (self._mel(hertz) - self.first) / self.step

    def _mel(self, hertz: Tensor) -> Tensor:
        if self.scale == "htk":
            return 2595.0 * torch.log10(1.0 + hertz / 700.0)
        return torch.where(
            hertz < 1000.0, hertz * 3 / 200, 15.0 + torch.log(hertz.clamp(min=1.0) / 1000.0) * 27.0 / math.log(6.4)
        )

    def _hertz(self, mel: Tensor) -> Tensor:
        if self.scale == "htk":
            return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
        return torch.where(mel < 15.0, mel * 200 / 3, 1000.0 * torch.exp((mel - 15.0) * math.log(6.4) / 27.0))


class Speed(TimeScale):
    """Plays clips as a tape that runs slower or faster: tempo and pitch change together.

    Args:
        frames: frames of the output.
        amount: as for :class:`TimeScale`.
        bands: where the mel bands lie.
    """

    def __init__(self, frames: int, amount: float, bands: Bands) -> None:
        super().__init__(frames, amount)
        self.bands = bands

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames_needed) → (batch, n_mels, frames)."""
        rates = self._rates(power)
        return self.bands.transposed(_stretched(power, rates, self.frames), rates)


class PitchShift(nn.Module):
    """Makes clips higher or lower by up to ``semitones``, at unchanged tempo."""

    def __init__(self, semitones: float, bands: Bands) -> None:
        super().__init__()
        self.semitones, self.bands = semitones, bands

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames) → the same shape."""
        return self.bands.transposed(power, torch.exp2(uniform(power, -self.semitones, self.semitones) / 12.0))


class Equaliser(nn.Module):
    """Colours clips as other microphones, rooms and walls would: a smooth random curve of gains over the bands.

    Source: Nam, Kim, Park, "FilterAugment: An acoustic environmental data augmentation method", ICASSP 2022, its linear kind.

    Args:
        gain_db: the curve stays within so many decibels of level.
    """

    POINTS = 5  # random ones, through which the curve goes

    def __init__(self, gain_db: float) -> None:
        super().__init__()
        self.gain_db = gain_db

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames) → the same shape."""
        offsets = torch.rand(len(power), 1, self.POINTS, device=power.device) * 2.0 - 1.0
        curve = F.interpolate(offsets, size=power.shape[1], mode="linear", align_corners=True)[:, 0]  # (batch, n_mels)
        return power * 10.0 ** (self.gain_db * curve / 10.0)[:, :, None]


class Gain(nn.Module):
    """Makes each clip louder or softer by up to ``gain_db`` decibels, on power spectrograms."""

    def __init__(self, gain_db: float) -> None:
        super().__init__()
        self.gain_db = gain_db

    def forward(self, power: Tensor) -> Tensor:
        """(batch, n_mels, frames) → the same shape."""
        return power * 10.0 ** (uniform(power, -self.gain_db, self.gain_db) / 10.0)[:, None, None]


MixTargets = Callable[[Tensor, Tensor, Tensor], Tensor]


def in_proportion(own: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """Targets (batch, classes) of clips that were mixed, of which ``own`` has the share ``ratio`` (batch,)."""
    return torch.lerp(other, own, ratio[:, None])


class Mix(nn.Module):
    """Mixes clips with others of the batch, labels in the same ratio, as between-class learning does.

    Amplitudes are weighted so that the ratio is one of perceived levels, and energies add up as they do for uncorrelated
    sounds. Source: Tokozume, Ushiku, Harada, "Learning from Between-class Examples for Deep Sound Recognition", ICLR 2018,
    there on waveforms; mixup in general: Zhang et al., ICLR 2018.

    Args:
        share: the share of the clips that are mixed.
        targets: how those of two clips are mixed; see :func:`in_proportion`.
    """

    def __init__(self, share: float, targets: MixTargets | None = None) -> None:
        super().__init__()
        self.share, self.targets = share, targets or in_proportion

    def forward(self, power: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n_mels, frames), (batch, classes) → the same shapes; targets become soft."""
        ratio = self.ratios(power)
        other = power.roll(1, 0)  # batches are drawn at random: the neighbour is a random clip
        level = power.mean((1, 2)).clamp(min=1e-10)
        # amplitude of this clip, of 1: 1 / (1 + 10^((G1 - G2) / 20) · (1 - r) / r), with levels G in dB
        loudness = (level / level.roll(1, 0)).sqrt()
        amplitude = ratio / (ratio + loudness * (1.0 - ratio)).clamp(min=1e-6)
        own, others = amplitude.square(), (1.0 - amplitude).square()
        mixed = (power * own[:, None, None] + other * others[:, None, None]) / (own + others)[:, None, None]
        return mixed, self.targets(targets, targets.roll(1, 0), ratio)

    def ratios(self, power: Tensor) -> Tensor:
        """(batch,) how much of each clip itself is heard."""
        ratio = uniform(power, 0.0, 1.0)
        return torch.where(uniform(power, 0.0, 1.0) < self.share, ratio, torch.ones_like(ratio))


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


def _stretched(power: Tensor, rates: Tensor, frames: int) -> Tensor:
    """Each clip so many times as fast, by interpolation around its middle: (batch, n_mels, given) → (batch, n_mels, frames)."""
    given = power.shape[-1]
    middle = torch.arange(frames, device=power.device) - (frames - 1) / 2
    position = middle * rates[:, None] + (given - 1) / 2  # (batch, frames)
    before = position.floor().clamp(0, given - 2)
    weight = (position - before).clamp(0.0, 1.0)[:, None, :]
    index = before.long()[:, None, :].expand(-1, power.shape[1], -1)
    return torch.lerp(power.gather(2, index), power.gather(2, index + 1), weight)
