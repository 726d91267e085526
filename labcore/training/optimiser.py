"""The optimiser and its schedule, and how the body of a pretrained network is held back while its head learns."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR

from labcore.config import RunConfig
from labcore.models.pretrained import head_of


def body_of(network: nn.Module) -> list[nn.Parameter]:
    """The parameters before the last layer."""
    head = {id(parameter) for parameter in head_of(network).parameters()}
    return [parameter for parameter in network.parameters() if id(parameter) not in head]


def make_optimiser(config: RunConfig, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a run: one group of parameters, or the head and after it the body where the two learn differently."""
    optim = config.optim
    groups: list[dict[str, object]] = [{"params": list(network.parameters())}]
    if (
        optim.body_lr != 1 or config.model.freeze_epochs
    ):  # the fused kernels want all of a group to have been stepped, or none
        body = body_of(network)
        inside = {id(parameter) for parameter in body}
        head = [parameter for parameter in network.parameters() if id(parameter) not in inside]
        groups = [{"params": head, "lr": config.lr}, {"params": body, "lr": config.lr * optim.body_lr}]
    if optim.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=config.lr, weight_decay=optim.weight_decay, fused=True)
    return torch.optim.SGD(
        groups,
        lr=config.lr,
        momentum=optim.momentum,
        nesterov=optim.momentum > 0,
        weight_decay=optim.weight_decay,
        fused=True,
    )


def make_schedule(config: RunConfig, optimiser: torch.optim.Optimizer, steps: int) -> LRScheduler:
    """How the learning rate of each group moves over the run.

    Args:
        steps: of an epoch.
    """
    total = config.epochs * steps
    if config.optim.schedule == "onecycle":
        # a cycle over the momentum as well pays only for plain SGD with large batches: it stays
        highest = [float(group["lr"]) for group in optimiser.param_groups]
        return OneCycleLR(
            optimiser, max_lr=highest if len(highest) > 1 else config.lr, total_steps=total + 1, cycle_momentum=False
        )
    if config.optim.schedule == "cosine":
        return CosineAnnealingLR(optimiser, T_max=total)
    return ConstantLR(optimiser, factor=1.0)
