"""Joules between two looks at a card's counter."""

from __future__ import annotations

import torch

from labcore.nvml import GpuSample
from labcore.training.energy import EnergyMeter


def test_joules_since_the_look_before() -> None:
    counts = iter([100.0, 130.0, 175.0, 5.0, 9.0, None, 12.0])
    meter = EnergyMeter(torch.device("cpu"), lambda device: GpuSample(0, "card", energy_j=next(counts)))
    assert [meter.taken() for _ in range(6)] == [30.0, 45.0, None, 4.0, None, None]


def test_what_is_no_card_counts_nothing() -> None:
    assert EnergyMeter(torch.device("cpu")).taken() is None
