"""Any network of timm by name, with one input channel."""

from __future__ import annotations

from torch import nn

from labcore.config import ModelConfig
from labcore.errors import ConfigError


def timm_model(config: ModelConfig, classes: int) -> nn.Module:
    """``timm:NAME`` from the timm library, weights fresh.

    Raises:
        ConfigError: timm is not installed, has no network of that name, or cannot build it for one channel.
    """
    name = config.name.removeprefix("timm:")
    try:
        import timm
    except (
        ImportError,
        OSError,
        RuntimeError,
    ) as error:  # RuntimeError: the torchvision that it loads was built for another torch
        remedy = 'Install it: pip install "audio-gpu-lab[timm]"; or install torch and torchvision together, from the same index'
        raise ConfigError(f"network {config.name} needs timm, which cannot be loaded: {error}", remedy) from error
    if not timm.is_model(name):
        near = timm.list_models(f"*{name}*")[:5]
        hint = f"Similar names: {', '.join(near)}" if near else "timm.list_models() lists the names"
        raise ConfigError(f"timm has no network {name!r}", hint)
    try:
        return timm.create_model(name, pretrained=False, in_chans=1, num_classes=classes, drop_rate=config.dropout)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"timm cannot build {name} for one-channel input: {error}", "Choose another network"
        ) from error
