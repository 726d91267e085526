"""ResNet-18 for one-channel input, as torchvision has it."""

from __future__ import annotations

from torch import nn

from labcore.config import ModelConfig
from labcore.errors import ConfigError
from labcore.models.dropout import Dropout


def resnet18(config: ModelConfig, classes: int) -> nn.Module:
    """He et al., "Deep Residual Learning", 2015, with one input channel and dropout before the last layer.

    Raises:
        ConfigError: torchvision cannot be loaded.
    """
    try:  # a second to load, and most of what imports this package builds another network or none
        from torchvision.models import resnet18 as build
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: it was built for another torch
        raise ConfigError(
            f"torchvision, which has ResNet-18, cannot be loaded: {error}",
            "Install torch and torchvision together, from the same index, or choose another network",
        ) from error
    network = build(weights=None)
    network.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.fc = nn.Sequential(Dropout(config.dropout), nn.Linear(512, classes))
    return network
