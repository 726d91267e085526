"""Dropout whose strength is a number in a tensor: turning it leaves compiled code and captured graphs as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Drops a share of the features in training and scales up the rest (Srivastava et al., JMLR 2014).

    ``nn.Dropout`` holds its share as a Python number, which torch.compile builds into its code: each turn of the setting would compile
    the network anew.

    Args:
        share: of the features that are dropped, 0 to 1 exclusive.
    """

    kept: Tensor

    def __init__(self, share: float) -> None:
        super().__init__()
        self.register_buffer("kept", torch.tensor(1.0 - share), persistent=False)

    @property
    def share(self) -> float:
        return 1.0 - float(self.kept)

    @share.setter
    def share(self, value: float) -> None:
        self.kept.fill_(1.0 - value)

    def forward(self, features: Tensor) -> Tensor:
        """Any shape → the same shape."""
        if not self.training:
            return features
        scale = self.kept.to(features.dtype)
        return features * (torch.rand_like(features, dtype=torch.float32) < self.kept).to(features.dtype) / scale


def set_dropout(network: nn.Module, share: float) -> None:
    """Set the strength of all dropout in a network, also of those that timm builds."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.share = share
        elif isinstance(module, nn.Dropout):
            module.p = share
        if isinstance(getattr(module, "drop_rate", None), float):
            module.drop_rate = share  # type: ignore[assignment]
