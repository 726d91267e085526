"""Where a clip's window lies, as the banks of training cut it: the same samples, the same frames, the same random numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from labcore.augment import Augmentation
from labcore.config import RunConfig
from labcore.errors import ConfigError
from labcore.features import LogMel
from labcore.inference.bank import Bank, mel_bank, random_starts
from labcore.inference.windows import centred_start
from labcore.training.crops import Crops


class Placing:
    """The bank of a few clips and the training chain that its windows go through.

    Args:
        config: with its clip length.
        clips: (samples,) float32 each.
        log_mel: the front end, on the CPU.
        augmentation: the chain; whether it acts on the waveform decides what the bank holds, as in training.

    Raises:
        ConfigError: the clip length is shorter than the hop, where waveforms are cut.
    """

    def __init__(self, config: RunConfig, clips: list[np.ndarray], log_mel: LogMel, augmentation: Augmentation) -> None:
        self.clip = clips[0]
        self.hop, self.log_mel = log_mel.hop_length, log_mel
        offsets = torch.tensor([0, *np.cumsum([len(clip) for clip in clips])])
        waves = Bank(torch.from_numpy(np.concatenate(clips)), offsets, None, torch.device("cpu"))
        mels = None if len(augmentation.on_waveform) else mel_bank(waves, log_mel)
        self.bank, self.on_mels = mels or waves, mels is not None
        self.rows = torch.arange(len(clips))
        self.avoid_silence = config.augment.avoid_silence == "on"
        frames = log_mel.frames(config.clip_samples)
        if frames < 2 and not self.on_mels:
            raise ConfigError(
                f"the clip length of {config.clip_samples} samples is shorter than a hop of {self.hop}",
                "Take longer clips or a shorter hop",
            )
        self.window, self.plain_window = self._length(augmentation.frames_needed), self._length(frames)
        self.margin = (augmentation.frames_needed - frames) // 2 * (1 if self.on_mels else self.hop)
        shift = round(config.augment.time_shift_seconds * config.audio.sample_rate)
        self.shift = shift // self.hop if self.on_mels else shift

    def _length(self, frames: int) -> int:
        return frames if self.on_mels else (frames - 1) * self.hop

    def random_starts(self) -> Tensor:
        """(clips,) where windows begin, drawn as in training."""
        if self.avoid_silence:
            return Crops(self.bank, self.rows, self.window).starts(self.rows, self.shift)
        return random_starts(self.bank.lengths[self.rows], self.window, self.shift)

    def middle_starts(self, margin: int = 0) -> Tensor:
        """(clips,) where windows begin that have the clips in their middle, by ``margin`` earlier."""
        sizes = self.bank.lengths.tolist()
        return torch.tensor([centred_start(size, self.plain_window) - margin for size in sizes])

    def cut(self, starts: Tensor) -> Tensor:
        """What the chain takes: (clips, …)."""
        return self.bank.cut(self.rows, starts, self.window, around=True)

    def plain(self) -> Tensor:
        """The first clip as it is, in the middle of the window: (1, n_mels, frames) mel powers."""
        cut = self.bank.cut(self.rows[:1], self.middle_starts()[:1], self.plain_window, around=True)
        return cut.transpose(1, 2) if self.on_mels else self.log_mel.power(cut)

    def sound(self, start: int, samples: int) -> np.ndarray:
        """What is heard of the first clip in a window that begins at ``start``, in the bank's unit: (samples,).

        Frames of the bank are cut around a ring of whole hops; so are the samples.
        """
        unit = self.hop if self.on_mels else 1
        ring = max(int(self.bank.lengths[0]), self.plain_window) * unit
        padded = np.zeros(max(ring, len(self.clip)), dtype=np.float32)
        padded[: len(self.clip)] = self.clip
        return padded[np.arange(start * unit, start * unit + samples) % len(padded)]
