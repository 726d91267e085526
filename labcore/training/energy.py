"""The energy of a training, by the counter of its GPU."""

from __future__ import annotations

from collections.abc import Callable

import torch

from labcore.nvml import GpuSample, sample_of


class EnergyMeter:
    """Joules of the whole card between two looks. Other work on the card counts too."""

    def __init__(self, device: torch.device, look: Callable[[torch.device], GpuSample | None] = sample_of) -> None:
        self.device, self._look = device, look
        self._last = self._counter()

    def taken(self) -> float | None:
        """Since the look before; None where the card does not count."""
        before, self._last = self._last, self._counter()
        if before is None or self._last is None or self._last < before:  # the driver was loaded anew
            return None
        return self._last - before

    def _counter(self) -> float | None:
        sample = self._look(self.device)
        return None if sample is None else sample.energy_j
