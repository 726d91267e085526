"""How the learning rate moves over a run, and how far the run is on that way, also where its number of epochs is changed on it."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR


class Schedule:
    """The way of a run from its first step to its last, by which the learning rate goes and the shares of the epochs at its end count.

    Where the epochs are changed on the way, what is left of it is gone at another pace: the rate still falls to its end, and the
    weights of the last share of the way are averaged.

    Args:
        name: as ``optim.schedule``.
        optimizer: the rates of its groups are set.
        epochs: of the run as it was planned.
        steps: of an epoch.
    """

    def __init__(self, name: str, optimizer: torch.optim.Optimizer, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self._torch = make_schedule(name, optimizer, epochs * steps)
        self._begun, self._ahead, self._left, self._taken = 0, epochs * steps, epochs * steps, 0

    @property
    def _place(self) -> int:
        return int(self._torch.last_epoch)  # of torch's scheduler: its steps

    def begin(self, epoch: int, epochs: int) -> None:
        """Begin an epoch, counted from 1, of a run that ends after ``epochs``."""
        self._begun, self._taken = self._place, 0
        self._ahead = self.epochs * self.steps - self._begun
        self._left = max(1, epochs - epoch + 1) * self.steps

    def step(self) -> None:
        """A step was taken. One after the last keeps its rate."""
        self._taken += 1
        for _ in range(self._goal(self._taken) - self._place):
            self._torch.step()

    def within_last(self, share: float) -> bool:
        """Whether the epoch that was begun ends in the last share of the way."""
        return self._goal(self.steps) / self.steps > self.epochs * (1 - share)

    def _goal(self, taken: int) -> int:
        """The place after so many steps of the epoch."""
        return min(self._begun + round(taken * self._ahead / self._left), self.epochs * self.steps)

    def state_dict(self) -> dict[str, Any]:
        return self._torch.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._torch.load_state_dict(state)


def make_schedule(name: str, optimizer: torch.optim.Optimizer, steps: int) -> LRScheduler:
    """torch's scheduler, which is stepped after each step of a run.

    Args:
        name: as ``optim.schedule``.
        steps: of the whole run.
    """
    if name == "onecycle":
        # a cycle over the momentum as well pays only for plain SGD with large batches: it stays
        highest = [float(group["lr"]) for group in optimizer.param_groups]
        return OneCycleLR(optimizer, max_lr=highest, total_steps=steps + 1, cycle_momentum=False)
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    return ConstantLR(optimizer, factor=1.0)
