"""Random numbers for a batch."""

from __future__ import annotations

import torch
from torch import Tensor


def uniform(batch: Tensor, low: float, high: float) -> Tensor:
    """One number between low and high for each item of the batch: (batch,), on its device."""
    return torch.rand(len(batch), device=batch.device) * (high - low) + low
