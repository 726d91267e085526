"""The input pipeline of training: which stretch of a clip is cut, and what is done to it before the network is given it.

Training and the preview of augmentation (:mod:`labcore.explore.augment_preview`) go through this one, so that what is
shown is what is trained on.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from labcore.allowed_paths import check_root
from labcore.audio import decode
from labcore.augment import Augmentation
from labcore.augment.spectrogram import MixTargets, in_proportion
from labcore.config import AugmentConfig
from labcore.config.framing import shift_share
from labcore.features import LogMel
from labcore.inference.resident_clips import ResidentClips, mel_cache
from labcore.runs.moved import here
from labcore.training.sampler import CropSampler
from labcore.workspace import Workspace


class InputPipeline:
    """Cuts clips from a source and augments them.

    Args:
        waves: the clips.
        rows: (clips,) those that are trained on, int64.
        log_mel: the front end, on the device.
        frames: of the network's input.
        augment: the strengths.
        noise: a recording to add in place of made noise, as :func:`recorded_noise` gives it.
        mix_targets: how the targets of mixed clips are mixed.

    Attributes:
        mels: the clips' mel powers, where :meth:`compute_mels` was called and they fit.
        chain: what is done to a batch that was cut.
    """

    def __init__(
        self,
        waves: ResidentClips,
        rows: Tensor,
        log_mel: LogMel,
        frames: int,
        augment: AugmentConfig,
        noise: Tensor | None,
        mix_targets: MixTargets = in_proportion,
    ) -> None:
        self.mix_targets = mix_targets
        self.waves, self.rows, self.log_mel, self.frames = waves, rows, log_mel, frames
        self.mels: ResidentClips | None = None
        self._sampler: CropSampler | None = None
        self.take_up(augment, noise)

    def take_up(self, augment: AugmentConfig, noise: Tensor | None) -> None:
        """Augment with these strengths from here on."""
        self.augment = augment
        self.chain = Augmentation(augment, self.log_mel, self.frames, noise, self.mix_targets).to(
            self.log_mel.mean.device
        )

    def compute_mels(self, progress: Callable[[int, int], None] = lambda done, total: None, processes: int = 1) -> None:
        """Spare the steps their spectrograms, where nothing acts on the waveform."""
        if not len(self.chain.on_waveform):
            self.mels = mel_cache(self.waves, self.log_mel, progress, processes)

    @property
    def on_mels(self) -> bool:
        """Whether batches are cut from mel powers. Where something acts on the waveform they cannot be."""
        return self.source is self.mels

    @property
    def source(self) -> ResidentClips:
        """What batches are cut from."""
        return self.waves if self.mels is None or len(self.chain.on_waveform) else self.mels

    @property
    def window(self) -> int:
        """What is cut for the network's input, in the unit of the source, with the margin of the time scaling."""
        return self.length_of(self.chain.frames_needed)

    def length_of(self, frames: int) -> int:
        """So many frames in the unit of the source: frames or samples."""
        return frames if self.on_mels else max(1, (frames - 1) * self.log_mel.hop_length)

    @property
    def shift(self) -> int:
        """The longest time shift, in the unit of the source: as set, less for short clips."""
        rate, scale = self.log_mel.sample_rate, self.log_mel.spectrogram.mel_scale
        share = shift_share(self.frames * self.log_mel.hop_length / rate, scale.f_max)
        samples = round(share * self.augment.time_shift_seconds * rate)
        return samples // self.log_mel.hop_length if self.on_mels else samples

    @property
    def sampler(self) -> CropSampler:
        """What draws the stretches; made anew where source or window changed."""
        source, window = self.source, self.window
        if self._sampler is None or self._sampler.clips is not source or self._sampler.window != window:
            self._sampler = CropSampler(source, self.rows, window, self.augment.avoid_silence == "on")
        return self._sampler

    def starts(self, rows: Tensor) -> Tensor:
        """Where crops begin, drawn from torch's global CPU generator, in the unit of the source: (batch,) → (batch,)."""
        return self.sampler.starts(rows, self.shift)

    def cut(self, rows: Tensor, starts: Tensor | None = None) -> Tensor:
        """A batch as :attr:`chain` is given it.

        Args:
            rows: (batch,) which clips, int64.
            starts: (batch,) where the crops begin; drawn where they are not given.

        Returns:
            (batch, samples) waveforms, or (batch, frames, n_mels) mel powers, on the device.
        """
        return self.source.windows(rows, self.starts(rows) if starts is None else starts, self.window, around=True)

    @torch.inference_mode()
    def fit_normalisation(self) -> None:
        """Mean and deviation of each mel band over the frames of the training clips, and of no other."""
        log_mel, source = self.log_mel, self.source
        total = torch.zeros(log_mel.mean.shape[0], dtype=torch.float64, device=source.device)
        squares, count = torch.zeros_like(total), 0
        for rows in source.alike(self.rows):
            clips = source.whole(rows)
            power = clips.transpose(1, 2) if clips.dim() == 3 else log_mel.power(clips)  # (alike, n_mels, frames)
            level = log_mel.decibels(power).double()
            total += level.sum((0, 2))
            squares += level.square().sum((0, 2))
            count += len(level) * level.shape[2]
        log_mel.fit(total.to(log_mel.mean.device), squares.to(log_mel.mean.device), max(1, count))


def recorded_noise(augment: AugmentConfig, sample_rate: int, workspace: Workspace | None = None) -> Tensor | None:
    """The recording that is added as noise: (samples,), where one is asked for.

    Args:
        workspace: where files are looked for that moved with it.

    Raises:
        LabError: it cannot be read, or lies where visitors may not read.
    """
    if not (augment.noise and augment.noise_file):
        return None
    file = augment.noise_file if workspace is None else here(workspace, augment.noise_file)
    check_root(file)
    return torch.from_numpy(decode(file, sample_rate)[0])
