"""The mean of a network's weights over the last epochs of a run."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def weight_average(network: nn.Module) -> AveragedModel:
    """A copy of the network whose weights and statistics become the mean of those that it is shown.

    What is counted in integers (the batches that a normalisation has seen) is not averaged: the last count stays. torch's own mean
    divides integers, which on a GPU is an error.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018.
    """
    return AveragedModel(network, multi_avg_fn=_take_in, use_buffers=True)


Tensors = tuple[Tensor, ...] | list[Tensor]


@torch.no_grad()
def _take_in(means: Tensors, values: Tensors, averaged: Tensor | int) -> None:
    """Tensors of one device and kind, and how many sets of weights are in the means so far."""
    share = 1.0 / (int(averaged) + 1)
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)
