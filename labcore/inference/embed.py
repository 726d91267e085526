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

    def take(self) -> Tensor:
        """(batch, width) float32 of the pass before."""
        taken, self._taken = self._taken, []
        return torch.cat(taken, 1)

    def hook(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        given = inputs[0].detach().float()
        if given.dim() == 4:  # (batch, channels, height, width), before a convolution that is the last layer
            given = given.mean((2, 3))
        self._taken.append(given.flatten(1))


@contextlib.contextmanager
def features_of(network: nn.Module) -> Iterator[Features | None]:
    """Inside, what the last layer of a network is given is kept of each pass; None where no layer has weights."""
    members = network.members if isinstance(network, Ensemble) else [network]
    try:
        heads = [head_of(member) for member in members]
    except IndexError:
        yield None
        return
    features = Features()
    hooks = [head.register_forward_pre_hook(features.hook) for head in heads]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()
