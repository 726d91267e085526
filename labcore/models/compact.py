"""The lab's own network: small, quick on a CPU, and strong on few clips.

A residual CNN whose receptive field is kept short of the whole spectrogram, which helps where there are few clips
(Koutini et al., "The Receptive Field as a Regularizer in Deep CNNs for Acoustic Scene Classification", 2019). The mean over
frequency keeps it indifferent to where in the spectrum energy lies only at the very end; over time it takes mean and
maximum, so that a short event counts as much as a steady sound.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.config import ModelConfig
from labcore.models.dropout import Dropout


def compact(config: ModelConfig, classes: int) -> nn.Module:
    """The compact network at a width, 0.3 million weights at width 1."""
    first, second, third = (max(8, round(channels * config.width / 8) * 8) for channels in (32, 64, 128))
    return nn.Sequential(
        nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),  # (batch, first, n_mels / 2, frames / 2)
        nn.BatchNorm2d(first),
        nn.ReLU(inplace=True),
        Residual(first, first),
        nn.MaxPool2d(2, ceil_mode=True),
        Residual(first, second),
        nn.MaxPool2d(2, ceil_mode=True),
        Residual(second, third),
        nn.Conv2d(third, 2 * third, 1, bias=False),
        nn.BatchNorm2d(2 * third),
        nn.ReLU(inplace=True),
        MeanMaxPool(),  # (batch, 4 · third)
        Dropout(config.dropout),
        nn.Linear(4 * third, classes),
    )


class Residual(nn.Module):
    """Two 3×3 convolutions around a shortcut."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels_in, height, width) → (batch, channels_out, height, width)."""
        return self.body(images).add_(self.shortcut(images)).relu_()  # in place: nothing needs the sum again


class MeanMaxPool(nn.Module):
    """Mean over frequency, then mean and maximum over time."""

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels, height, width) → (batch, 2 · channels)."""
        rows = images.permute(0, 2, 3, 1).mean(1)  # (batch, width, channels): the gradient comes in channels_last too
        return torch.cat([rows.mean(1), rows.max(1).values], 1)
