"""Whether somebody else was busy while the clock ran: a benchmark that was disturbed says so."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
import torch

from labcore.device import usable_cores
from labcore.nvml import GpuSample, sample_of

OTHERS = 0.10
"""The share of the usable cores that others may take before it counts as a disturbance."""
STOLEN = 0.05
SCATTER = 0.35
"""Quartiles further apart than this share of the median are told."""


@dataclass
class Load:
    """Times of the processor at a moment, in seconds since the start: of all, of this process, and taken by the host."""

    at: float
    busy: float
    own: float
    stolen: float

    @classmethod
    def now(cls) -> Load:
        all_, own = psutil.cpu_times(), os.times()
        stolen = float(getattr(all_, "steal", 0.0))
        idle = all_.idle + float(getattr(all_, "iowait", 0.0))
        # user holds guest already; what the host takes is no work of this machine
        counted = ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc")
        busy = sum(float(getattr(all_, name, 0.0)) for name in counted) if idle else 0.0
        return cls(time.perf_counter(), busy, own.user + own.system, stolen)


def others_at_work(before: Load, after: Load, cores: int, all_cores: int) -> str:
    """What others did to the processor between two moments, in words; empty where it hardly matters.

    Args:
        cores: that this process may use.
        all_cores: of the machine: others who find idle ones beside ours disturb little.
    """
    seconds = after.at - before.at
    if seconds < 0.1:  # the system counts in hundredths of a second
        return ""
    others = max(0.0, (after.busy - before.busy) - (after.own - before.own)) / seconds
    crowded = min(others, others + cores - all_cores) / cores
    stolen = (after.stolen - before.stolen) / seconds / all_cores
    told = []
    if crowded > OTHERS:
        told.append(f"other programs used {100 * crowded:.0f} % of the processor")
    if stolen > STOLEN:
        told.append(f"the host used {100 * stolen:.0f} % of the processor for other machines")
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
        self.cores, self.all_cores = usable_cores(), psutil.cpu_count() or usable_cores()
        for name in self.devices:
            sample = sample_of(torch.device(name)) if name != "cpu" else None
            if sample is not None and (sample.utilisation or 0.0) > OTHERS:
                share = f"{100 * (sample.utilisation or 0.0):.0f} %"
                self.busy_gpus[name] = f"the GPU was already busy ({share}) before the benchmark began"
        self.restart()

    def restart(self) -> None:
        self.before = Load.now()

    def trouble(self) -> str:
        """What others did to the processor since the start or the last restart."""
        return others_at_work(self.before, Load.now(), self.cores, self.all_cores)
