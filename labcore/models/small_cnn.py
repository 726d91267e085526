"""The small CNN of the article that the lab answers, corrected.

Printed there with ``Linear(64*32*32)`` for a 64×64 input that is pooled twice, which cannot run: 64×16×16 is what arrives.
"""

from __future__ import annotations

from torch import nn

from labcore.config import ModelConfig
from labcore.models.dropout import Dropout


def small_cnn(config: ModelConfig, classes: int) -> nn.Module:
    """Two convolutions and two linear layers. An adaptive pool brings any input to what a 64×64 one has by itself."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),  # (batch, 64, n_mels / 4, frames / 4)
        nn.AdaptiveAvgPool2d((16, 16)),
        nn.Flatten(),
        nn.Linear(64 * 16 * 16, 128),
        nn.ReLU(),
        Dropout(config.dropout),
        nn.Linear(128, classes),
    )
