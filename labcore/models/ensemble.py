"""Several networks that answer as one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOST_MEMBERS = 100
"""Networks in one ensemble."""


class Ensemble(nn.Module):
    """The mean of the members' probabilities, given as logits, so that it stands wherever a network does.

    Averaging probabilities over networks that differ in their seed alone is the deep ensemble of Lakshminarayanan et al., "Simple and
    Scalable Predictive Uncertainty Estimation using Deep Ensembles", 2017.

    Args:
        members: networks of the same inputs and classes.
    """

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 1, n_mels, frames) → (batch, classes): the logarithm of the mean probabilities, whose softmax they are."""
        probabilities = torch.stack([member(images).float().softmax(1) for member in self.members]).mean(0)
        return probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
