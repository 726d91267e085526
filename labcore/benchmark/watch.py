"""Whether somebody else was busy while the clock ran: a benchmark that was disturbed says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from labcore.load import IDLE, Load, LoadMeter
from labcore.nvml import GpuSample, sample_of
from labcore.texts import percent

STOLEN = 0.05
SCATTER = 0.35
"""Quartiles further apart than this share of the median are told."""


def others_at_work(load: Load | None) -> str:
    """What others did to the processor, in words; empty where it hardly matters or nobody can tell."""
    told = []
    if load is not None and load.others > IDLE * load.cores:
        told.append(f"other programs used {100 * load.others / load.cores:.0f} % of the processor")
    if load is not None and load.stolen > STOLEN:
        told.append(f"the host used {percent(load.stolen, 0)} of the processor for other machines")
    return ", ".join(told)


def gpu_trouble(sample: GpuSample | None) -> str:
    """What slows a GPU down, seen right after work; empty where nothing does or nobody tells."""
    if sample is None or not sample.throttle_reasons:
        return ""
    return f"the GPU was slowed down ({', '.join(sample.throttle_reasons)})"


def scatter(q1: float, median: float, q3: float) -> str:
    """Whether the times lie so far apart that the median says little."""
    if median <= 0 or (q3 - q1) / median <= SCATTER:
        return ""
    return f"unstable: quartiles {q1:.3g}–{q3:.3g} ms"


@dataclass
class Watch:
    """Looks at the processor before and after a group of cases, and at the GPUs before anything runs on them."""

    devices: Sequence[str]
    busy_gpus: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._meter = LoadMeter()
        for name in self.devices:
            sample = sample_of(torch.device(name)) if name != "cpu" else None
            if sample is not None and (sample.utilisation or 0.0) > IDLE:
                share = percent(sample.utilisation or 0.0, 0)
                self.busy_gpus[name] = f"the GPU was already busy ({share}) before the benchmark began"
        self.restart()

    def restart(self) -> None:
        self._meter.restart()

    def trouble(self) -> str:
        """What others did to the processor since the start or the last restart."""
        return others_at_work(self._meter.load())
