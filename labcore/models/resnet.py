"""ResNet-18 for one-channel input, as torchvision has it."""

from __future__ import annotations

from torch import nn

from labcore.config import ModelConfig
from labcore.models.dropout import Dropout


def resnet18(config: ModelConfig, classes: int) -> nn.Module:
    """He et al., "Deep Residual Learning", 2015, with one input channel and dropout before the last layer."""
    import torchvision  # a second to load, and most of what imports this package builds another network or none

    network = torchvision.models.resnet18(weights=None)
    network.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.fc = nn.Sequential(Dropout(config.dropout), nn.Linear(512, classes))
    return network
