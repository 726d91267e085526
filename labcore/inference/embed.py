"""Embeddings: what a network's last layer is given."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from labcore.models.ensemble import Ensemble
from labcore.models.pretrained import head_of


class Features:
    """What the last layer was given in the latest pass, of an ensemble that of all members side by side.

    Each thread is given that of its own passes: several put batches through one network at a time.

    Args:
        most: so many layers' inputs are kept where nobody takes them; 0 for all.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._threads = threading.local()

    def take(self, rows: int, device: torch.device) -> Tensor:
        """(rows, width) float32 of the pass before; width 0 where the network has no last layer that is given a row a window."""
        taken = [given for given in self._taken() if len(given) == rows]
        self._threads.taken = []
        return torch.cat([torch.zeros(rows, 0, device=device), *taken], 1)

    def hook(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        taken = self._taken()
        taken.append(row_of(inputs[0].detach()))
        if self._most:
            del taken[: -self._most]

    def __deepcopy__(self, memo: dict[int, Any]) -> Features:
        return Features(self._most)

    def _taken(self) -> list[Tensor]:
        if not hasattr(self._threads, "taken"):
            self._threads.taken = []
        taken: list[Tensor] = self._threads.taken
        return taken


@contextlib.contextmanager
def features_of(network: nn.Module) -> Iterator[Features]:
    """Inside, what the last layer of a network is given is kept of each pass."""
    features = Features()
    hooks = _hooked(network, features)
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()


def attach(network: nn.Module) -> Features:
    """The same for good, of the latest passes alone."""
    features = Features(most=64)
    _hooked(network, features)
    return features


def _hooked(network: nn.Module, features: Features) -> list[RemovableHandle]:
    return [head.register_forward_pre_hook(features.hook) for head in heads_of(network)]


def heads_of(network: nn.Module) -> list[nn.Module]:
    """The last layer, of an ensemble that of each member; none where no layer has weights."""
    heads = []
    for member in network.members if isinstance(network, Ensemble) else [network]:
        with contextlib.suppress(IndexError):
            heads.append(head_of(member))
    return heads


def row_of(given: Tensor) -> Tensor:
    """What a last layer is given, (batch, width) or, of a convolution, (batch, channels, height, width) → (batch, width) float32."""
    given = given.float()
    return (given.mean((2, 3)) if given.dim() == 4 else given).flatten(1)


def bare_copy(network: nn.Module) -> nn.Module:
    """A copy whose last layers keep nothing of what they are given."""
    made = copy.deepcopy(network)
    for head in heads_of(made):
        for number, hook in list(head._forward_pre_hooks.items()):
            if isinstance(getattr(hook, "__self__", None), Features):
                del head._forward_pre_hooks[number]
    return made
