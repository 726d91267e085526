"""A few clips in the input pipeline of training, and where the first of them lies in its window."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from labcore.config import AugmentConfig
from labcore.errors import ConfigError
from labcore.features import LogMel
from labcore.inference.resident_clips import ResidentClips
from labcore.inference.windows import centred_start
from labcore.training.pipeline import InputPipeline


class Placing:
    """Clips that the pipeline of training cuts, as a batch.

    Args:
        clips: (samples,) float32 each.
        log_mel: the front end, on the CPU.
        samples: of a clip as the network hears it.
        augment: the strengths.
        noise: as for :class:`~labcore.training.pipeline.InputPipeline`.

    Raises:
        ConfigError: the clip length is shorter than the hop, where waveforms are cut.
    """

    def __init__(
        self, clips: list[np.ndarray], log_mel: LogMel, samples: int, augment: AugmentConfig, noise: Tensor | None
    ) -> None:
        self.clip, self.log_mel = clips[0], log_mel
        offsets = torch.tensor([0, *np.cumsum([len(clip) for clip in clips])])
        waves = ResidentClips(torch.from_numpy(np.concatenate(clips)), offsets, None, torch.device("cpu"))
        self.rows, frames = torch.arange(len(clips)), log_mel.frames(samples)
        self.pipeline = InputPipeline(waves, self.rows, log_mel, frames, augment, noise)
        self.pipeline.compute_mels()
        self.on_mels, self.plain_window = self.pipeline.on_mels, self.pipeline.length_of(frames)
        scaling = (self.pipeline.chain.frames_needed - frames) // 2
        self.margin = scaling if self.on_mels else scaling * log_mel.hop_length
        """What the time scaling needs before the clip, in the unit of the resident clips."""
        if frames < 2 and not self.on_mels:
            raise ConfigError(
                f"the clip length of {samples} samples is shorter than a hop of {log_mel.hop_length}",
                "Use longer clips or a shorter hop",
            )

    def middle_starts(self, margin: int = 0) -> Tensor:
        """(clips,) where windows begin that have the clips in their middle, by ``margin`` earlier."""
        lengths = self.pipeline.source.lengths.tolist()
        return torch.tensor([centred_start(length, self.plain_window) - margin for length in lengths])

    def plain(self) -> Tensor:
        """The first clip as it is, in the middle of the window: (1, n_mels, frames) mel powers."""
        cut = self.pipeline.source.windows(self.rows[:1], self.middle_starts()[:1], self.plain_window, around=True)
        return cut.transpose(1, 2) if self.on_mels else self.log_mel.power(cut)

    def sound(self, start: int, samples: int) -> np.ndarray:
        """What is heard of the first clip in a window that begins at ``start``, in the bank's unit: (samples,).

        Frames of the bank are cut around a ring of whole hops; so are the samples.
        """
        unit = self.log_mel.hop_length if self.on_mels else 1
        ring = max(int(self.pipeline.source.lengths[0]), self.plain_window) * unit
        padded = np.zeros(max(ring, len(self.clip)), dtype=np.float32)
        padded[: len(self.clip)] = self.clip
        return padded[np.arange(start * unit, start * unit + samples) % len(padded)]
