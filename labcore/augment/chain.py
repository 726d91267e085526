"""The training chain: which augmentations act where, in which order."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from labcore.augment.spectrogram import (
    Bands,
    Equaliser,
    Gain,
    Mask,
    Mix,
    MixTargets,
    PitchShift,
    Speed,
    TimeScale,
    in_proportion,
)
from labcore.augment.waveform import AddNoise, Reverb
from labcore.config import AugmentConfig
from labcore.features import LogMel


class Augmentation(nn.Module):
    """The training chain in its three parts. A part that does nothing is an empty ``nn.Sequential``.

    Args:
        augment: the strengths.
        log_mel: the front end.
        frames: frames of the network's input.
        recording: (samples,) at the front end's sample rate: noise to add in place of made noise.
        mix_targets: how the targets of mixed clips are mixed.
    """

    def __init__(
        self,
        augment: AugmentConfig,
        log_mel: LogMel,
        frames: int,
        recording: Tensor | None = None,
        mix_targets: MixTargets = in_proportion,
    ) -> None:
        super().__init__()
        self.log_mel = log_mel
        scale = log_mel.spectrogram.mel_scale
        bands = Bands(scale.n_mels, scale.f_min, scale.f_max, scale.mel_scale)
        self.on_waveform = nn.Sequential()
        if augment.reverb:
            self.on_waveform.append(Reverb(augment.reverb, augment.reverb_seconds, log_mel.sample_rate))
        if augment.noise:
            lowest = scale.f_min / log_mel.sample_rate
            self.on_waveform.append(
                AddNoise(augment.noise, augment.noise_snr_db, augment.noise_colour, recording, lowest)
            )
        self.on_power = nn.Sequential()
        scaled = TimeScale.frames_needed(frames, augment.time_scale)
        self.frames_needed = TimeScale.frames_needed(scaled, augment.speed)
        """Frames that :attr:`on_power` takes to give ``frames``."""
        if augment.speed:
            self.on_power.append(Speed(scaled, augment.speed, bands))
        self.on_power.append(TimeScale(frames, augment.time_scale))
        if augment.pitch_semitones:
            self.on_power.append(PitchShift(augment.pitch_semitones, bands))
        if augment.equaliser_db:
            self.on_power.append(Equaliser(augment.equaliser_db))
        if augment.gain_db:
            self.on_power.append(Gain(augment.gain_db))
        self.mix = Mix(augment.mixup, mix_targets)
        self.on_log_mel = nn.Sequential()
        if augment.time_mask:
            self.on_log_mel.append(Mask(2, augment.time_mask, augment.masks))
        if augment.freq_mask:
            self.on_log_mel.append(Mask(1, augment.freq_mask, augment.masks))

    def forward(
        self,
        cut: Tensor,
        targets: Tensor,
        mixing: bool,
        mark: Callable[[str], None] = lambda kind: None,
    ) -> tuple[Tensor, Tensor]:
        """From what was cut out of the clips to what the network is given.

        Args:
            cut: (batch, samples) waveforms, or (batch, frames_needed, n_mels) mel powers.
            targets: (batch, classes).
            mixing: whether clips are mixed with each other.
            mark: called after each part with what it was, ``augmentation`` or ``mel``, so that its time can be told.

        Returns:
            (batch, n_mels, frames) normalised log-mels, and the targets, soft where clips were mixed.
        """
        if cut.dim() == 3:
            power = cut.transpose(1, 2)
        else:
            waveforms = self.on_waveform(cut)
            mark("augmentation")
            power = self.log_mel.power(waveforms)
            mark("mel")
        power = self.on_power(power)
        if mixing:
            power, targets = self.mix(power, targets)
        mark("augmentation")
        level = self.log_mel.normalise(self.log_mel.decibels(power))
        mark("mel")
        level = self.on_log_mel(level)
        mark("augmentation")
        return level, targets
