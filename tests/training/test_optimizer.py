"""The optimizer of a run."""

import pytest
import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler

from labcore.config import RunConfig
from labcore.training.optimizer import make_optimizer

SGD = RunConfig().replace({"optim.optimizer": "sgd", "optim.momentum": 0.9, "optim.lr": 0.1}).optim


def stepped(gradients, make, scaled):
    """The weights of a layer after steps with these gradients."""
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    optimizer, scaler = make(network), GradScaler("cpu", enabled=scaled)
    for gradient in gradients:
        optimizer.zero_grad(set_to_none=True)
        loss = sum(gradient * parameter.sum() for parameter in network.parameters())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def ours(network):
    return make_optimizer(SGD, network)


def plain(network):
    return torch.optim.SGD(network.parameters(), SGD.peak_lr, SGD.momentum, 0, SGD.weight_decay, nesterov=True)


@pytest.mark.parametrize("scaled", [False, True], ids=["fp32", "fp16"])
def test_steps_are_those_of_sgd(scaled):
    torch.testing.assert_close(stepped([1.0, -2.0, 0.5], ours, scaled), stepped([1.0, -2.0, 0.5], plain, scaled))


def test_a_first_step_whose_gradients_overflow_leaves_nothing_behind(monkeypatch):
    """As on a GPU without bf16. torch makes the momenta in that step and does not fill them."""
    monkeypatch.setattr(torch, "empty_like", lambda tensor, **options: torch.full_like(tensor, torch.nan))
    torch.testing.assert_close(stepped([torch.inf, 1.0, -2.0], ours, True), stepped([1.0, -2.0], plain, True))
