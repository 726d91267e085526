"""The body of the built-in network behind the front end of another run, with a linear classifier on its features.

No network to choose: a run of few training clips adds it (:mod:`labcore.training.few_clips`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from labcore.config import ModelConfig
from labcore.models.compact import compact

TRANSFERRED = "transferred"
"""The name of its model in the weights file."""
BANDS = 64
"""Mel bands of the built-in network."""


class BandMap(nn.Module):
    """Normalised log-mels of one front end as another one would have made them: each band a weighted sum of bands, and an offset."""

    matrix: Tensor
    offset: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(bands))
        self.register_buffer("offset", torch.zeros(bands, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, n_mels, frames) → the same shape."""
        return torch.matmul(self.matrix, images) + self.offset


def transferred(config: ModelConfig, classes: int) -> nn.Module:
    """A compact network behind a :class:`BandMap`, as fresh as the former."""
    return nn.Sequential(BandMap(BANDS), compact(config, classes))
