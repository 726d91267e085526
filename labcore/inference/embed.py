"""Embeddings: what a network's last layer is given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from labcore.models.ensemble import Ensemble
from labcore.models.pretrained import head_of


class Features:
    """What the last layer was given in the latest pass, of an ensemble that of all members side by side."""

    def __init__(self) -> None:
        self._taken: list[Tensor] = []

    def take(self, rows: int, device: torch.device) -> Tensor:
        """(rows, width) float32 of the pass before; width 0 where the network has no last layer that is given a row a window."""
        taken, self._taken = [given for given in self._taken if len(given) == rows], []
        return torch.cat([torch.zeros(rows, 0, device=device), *taken], 1)

    def hook(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        given = inputs[0].detach().float()
        if given.dim() == 4:  # (batch, channels, height, width), before a convolution that is the last layer
            given = given.mean((2, 3))
        self._taken.append(given.flatten(1))


@contextlib.contextmanager
def features_of(network: nn.Module) -> Iterator[Features]:
    """Inside, what the last layer of a network is given is kept of each pass."""
    features, hooks = Features(), []
    for member in network.members if isinstance(network, Ensemble) else [network]:
        with contextlib.suppress(IndexError):  # no layer has weights
            hooks.append(head_of(member).register_forward_pre_hook(features.hook))
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()
