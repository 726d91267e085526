"""Networks by name. A new architecture is one file here and one line in the registry.

A network takes normalised log-mels (batch, 1, n_mels, frames) of any size and gives logits (batch, classes).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from labcore.config import ModelConfig
from labcore.errors import ConfigError
from labcore.models.compact import compact
from labcore.models.resnet import resnet18
from labcore.models.small_cnn import small_cnn
from labcore.models.timm_models import timm_model
from labcore.models.transferred import TRANSFERRED, transferred

REGISTRY: dict[str, Callable[[ModelConfig, int], nn.Module]] = {
    "compact": compact,
    "resnet18": resnet18,
    "small_cnn": small_cnn,
}


def build_network(config: ModelConfig, classes: int) -> nn.Module:
    """A network with fresh weights from torch's global generator.

    Raises:
        ConfigError: no network of that name, or timm is asked for and not installed.
    """
    if config.name.startswith("timm:"):
        return timm_model(config, classes)
    if config.name == TRANSFERRED:
        return transferred(config, classes)
    if config.name not in REGISTRY:
        raise ConfigError(f"there is no network {config.name!r}", f"Choose {', '.join(REGISTRY)}, or timm:NAME")
    return REGISTRY[config.name](config, classes)


@torch.inference_mode()
def check_input(network: nn.Module, name: str, n_mels: int, frames: int, device: torch.device) -> None:
    """See whether a network can take inputs of a size, by giving it one. Draws no random numbers.

    Raises:
        ConfigError: it cannot: too few frames for its poolings, or it is made for one size only.
    """
    was_training = network.training
    try:
        network.eval()(torch.zeros(1, 1, n_mels, frames, device=device))
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"the network {name} cannot take an input of {n_mels} mel bands × {frames} frames: {str(error).splitlines()[0]}",
            "Use longer clips (audio.clip_seconds), a shorter hop (features.hop_length) or another network",
        ) from error
    finally:
        network.train(was_training)


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers in a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
