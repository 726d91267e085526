"""Random numbers: for a batch, and those that a seed repeats and that leave torch's own where they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global CPU generator, which augmentation draws from, begins at ``seed``.

    The generator belongs to the process: threads wait for each other here, so that none draws another's numbers.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def uniform(batch: Tensor, low: float, high: float) -> Tensor:
    """One number between low and high for each item of the batch: (batch,), on its device."""
    return torch.rand(len(batch), device=batch.device) * (high - low) + low
