"""The optimizer, and how the body of a pretrained network is held back while its head learns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler

from labcore.config import OptimConfig
from labcore.models.pretrained import head_of
from labcore.training.precision import Precision


def body_of(network: nn.Module) -> list[nn.Parameter]:
    """The parameters before the last layer."""
    head = {id(parameter) for parameter in head_of(network).parameters()}
    return [parameter for parameter in network.parameters() if id(parameter) not in head]


def make_optimizer(
    optim: OptimConfig, network: nn.Module, freezes: bool = False, capturable: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of a run: one group of parameters, or the head and after it the body where the two learn differently.

    Args:
        freezes: in some steps the head alone learns.
        capturable: its steps can be recorded as a CUDA graph.
    """
    lr = optim.peak_lr
    groups: list[dict[str, object]] = [{"params": list(network.parameters())}]
    if optim.body_lr != 1 or freezes:  # as many groups as the checkpoints of such runs have
        body = body_of(network)
        inside = {id(parameter) for parameter in body}
        head = [parameter for parameter in network.parameters() if id(parameter) not in inside]
        groups = [{"params": head, "lr": lr}, {"params": body, "lr": lr * optim.body_lr}]
    if optim.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, weight_decay=optim.weight_decay, fused=True, capturable=capturable)
    made = torch.optim.SGD(
        groups,
        lr=lr,
        momentum=optim.momentum,
        nesterov=optim.momentum > 0,
        weight_decay=optim.weight_decay,
        fused=True,
    )
    return _at_rest(made) if optim.momentum else made


def _at_rest(optimizer: torch.optim.SGD) -> torch.optim.SGD:
    """With momenta of zero, from which the first step is the same as from none.

    torch's fused kernels make them in the first step without filling them, and leave them so where the gradients of fp16 overflow in it,
    as they mostly do while the scaler looks for its scale: what lay in the memory then moves the weights.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def make_scaler(device: torch.device, precision: Precision, state: dict[str, Any] | None = None) -> GradScaler:
    """What scales the loss in fp16 and does nothing otherwise, going on from a state of another one where it is given."""
    scaler = GradScaler(device.type, enabled=precision.precision == "fp16")
    if state:
        scaler.load_state_dict(state)
    return scaler
