"""Augmentation of normalised log-mels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.augment.seeding import uniform


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
