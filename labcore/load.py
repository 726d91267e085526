"""Other work on the processor: how much of the usable cores it takes while this process works."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from labcore.cgroup import Cgroup
from labcore.device import usable_cores

IDLE = 0.10
"""Up to this share of the usable cores other work hardly matters."""
LEAST_SECONDS = 0.1
"""Shorter stretches tell nothing: the system counts in hundredths of a second."""


@dataclass(frozen=True)
class Load:
    """What others took between two moments.

    Attributes:
        cores: that this process may use.
        others: cores' worth of those that other programs took.
        stolen: the share of the processor that the host took for other machines.
    """

    cores: int
    others: float = 0.0
    stolen: float = 0.0

    @property
    def taken(self) -> float:
        """Cores' worth that this process could not have."""
        return min(float(self.cores), self.others + self.stolen * self.cores)

    @property
    def idle(self) -> bool:
        """Whether the machine had hardly anything else to do."""
        return self.taken <= IDLE * self.cores


@dataclass(frozen=True)
class CpuTimes:
    """Times of the processor at a moment, in seconds since the start: of all, of this process, and taken by the host."""

    at: float
    busy: float
    own: float
    stolen: float

    @classmethod
    def now(cls) -> CpuTimes:
        """Under a container's quota ``busy`` is what its own processes used, who alone use it up."""
        import psutil

        all_, own = psutil.cpu_times(), os.times()
        stolen = float(getattr(all_, "steal", 0.0))
        idle = all_.idle + float(getattr(all_, "iowait", 0.0))
        # user holds guest already; what the host takes is no work of this machine
        counted = ("user", "nice", "system", "irq", "softirq", "interrupt", "dpc")
        busy = sum(float(getattr(all_, name, 0.0)) for name in counted) if idle else 0.0
        limited = Cgroup().cpu_seconds()
        return cls(time.perf_counter(), busy if limited is None else limited, own.user + own.system, stolen)


def load_between(before: CpuTimes, after: CpuTimes, cores: int, all_cores: int) -> Load | None:
    """What others did to the processor between two moments; None where these lie too close together.

    Args:
        cores: that this process may use.
        all_cores: of the machine: others who find idle ones beside ours disturb little.
    """
    seconds = after.at - before.at
    if seconds < LEAST_SECONDS:
        return None
    others = max(0.0, (after.busy - before.busy) - (after.own - before.own)) / seconds
    crowded = max(0.0, min(others, others + cores - all_cores, float(cores)))
    return Load(cores, crowded, max(0.0, after.stolen - before.stolen) / seconds / all_cores)


class LoadMeter:
    """Measures the load from when it is made, or was read last."""

    def __init__(self) -> None:
        import psutil

        self.cores = usable_cores()
        limited = Cgroup().cpu_seconds() is not None
        self.all_cores = self.cores if limited else psutil.cpu_count() or self.cores
        self.restart()

    def restart(self) -> None:
        self._before = CpuTimes.now()

    def load(self) -> Load | None:
        """Since the start or the last restart; None where that is too short to tell."""
        return load_between(self._before, CpuTimes.now(), self.cores, self.all_cores)

    def taken(self) -> Load | None:
        """The same, and start anew."""
        load = self.load()
        self.restart()
        return load
