"""How busy the machine is: GPUs, CPU and memory over the last two minutes, and which run uses what.

A :class:`Monitor` has no thread: it looks when somebody asks it to, and several who ask within a second share one look. So it
costs nothing while nobody watches.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from labcore import nvml
from labcore.cgroup import Cgroup
from labcore.device import ALL, usable_cores
from labcore.errors import LabError
from labcore.events import RunStarted
from labcore.jobs.event_log import log_of
from labcore.jobs.folder import is_here
from labcore.nvml import GpuSample
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

SPAN = 120.0
"""Seconds of history."""
EVERY = 1.0
"""Seconds between two looks, where somebody watches."""
GAP = 5.0
"""Looks further apart than this, in seconds, belong to two visits: no rate is worked out across, no line drawn."""


@dataclass(frozen=True)
class RunUse:
    """What a running job uses. ``cores`` is the number of cores' worth of CPU time, None at the first look; ``memory`` is resident.

    ``gpus`` holds a pair of GPU index and bytes (None where the driver does not tell) for each GPU that its process is on.
    Processor and memory are None where the process cannot be seen from here: another machine or container.
    """

    run_id: str
    device: str
    pid: int | None
    cores: float | None
    memory: int | None
    gpus: tuple[tuple[int, int | None], ...]
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class MachineSample:
    """The machine at a moment. ``time`` is in seconds on the monotonic clock, ``cpu`` a share of the usable cores, memory in bytes."""

    time: float
    cpu: float | None
    memory_used: int
    memory_total: int
    gpus: tuple[GpuSample, ...]
    runs: tuple[RunUse, ...]

    def gpu(self, index: int) -> GpuSample | None:
        return next((gpu for gpu in self.gpus if gpu.index == index), None)

    def others(self, gpu: GpuSample) -> tuple[int, int]:
        """Processes on a GPU that belong to no run as far as can be told, and the bytes they hold."""
        ours = frozenset[int]().union(*(use.pids for use in self.runs))
        others = [process for process in gpu.processes if process.pid not in ours]
        return len(others), sum(process.bytes_used or 0 for process in others)


def series(
    looks: Iterable[MachineSample], value: Callable[[MachineSample], float | None], now: float
) -> list[tuple[float, float | None]]:
    """Age in seconds (0 is now, the past is negative) and value of each look; None between two visits, so that no line joins them."""
    points: list[tuple[float, float | None]] = []
    before = None
    for look in looks:
        if before is not None and look.time - before > GAP:
            points.append((before - now + EVERY, None))
        points.append((look.time - now, value(look)))
        before = look.time
    return points


class Monitor:
    """Short histories of the machine, shared by all who look."""

    def __init__(
        self,
        workspace: Workspace,
        samples: Callable[[], list[GpuSample]] = nvml.samples,
        clock: Callable[[], float] = time.monotonic,
        cgroup: Cgroup | None = None,
    ) -> None:
        self._samples, self._clock = samples, clock
        self._cgroup = cgroup or Cgroup()
        self._busy_time, self._all_time, self._group_time = _Rate(), _Rate(), _Rate()
        self._workspace, self._rates = workspace, dict[str, _Rate]()  # of running runs
        self._looks: deque[MachineSample] = deque()
        self._lock = threading.Lock()

    @property
    def history(self) -> list[MachineSample]:
        """The looks of the last two minutes, oldest first."""
        with self._lock:
            return list(self._looks)

    def look(self) -> MachineSample:
        """The machine now, or as it was up to a second ago."""
        with self._lock:
            now = self._clock()
            # A little under the pace of those who look, or every second look of theirs would come a moment too early.
            if self._looks and now - self._looks[-1].time < 0.8 * EVERY:
                return self._looks[-1]
            gpus = tuple(self._samples())
            used, total = self._memory()
            look = MachineSample(now, self._busy(now), used, total, gpus, self._uses(gpus, now))
            self._looks.append(look)
            while now - self._looks[0].time > SPAN:
                self._looks.popleft()
            return look

    def _uses(self, gpus: tuple[GpuSample, ...], now: float) -> tuple[RunUse, ...]:
        """What running jobs use. Which they are is read off the locks, so that no number of a dead process counts."""
        at_work: list[Run] = []
        with suppress(LabError, OSError):  # a workspace that cannot be read is told elsewhere on the page
            at_work = [run for run in list_runs(self._workspace) if run.held]
        self._rates = {run.id: self._rates.get(run.id) or _Rate() for run in at_work}
        return tuple(_use(run, self._rates[run.id], gpus, now) for run in at_work)

    @property
    def cores(self) -> float:
        """Cores that this process may use: with a quota, so many cores' worth of time."""
        return min(self._cgroup.cores() or float("inf"), usable_cores())

    def _busy(self, now: float) -> float | None:
        """A share of the usable cores. Under a quota, of the quota, which only this container's own processes use up."""
        quota, seconds = self._cgroup.cores(), self._cgroup.cpu_seconds()
        if quota and seconds is not None:
            cores = self._group_time.of(seconds, now)
            return None if cores is None else min(1.0, cores / quota)
        busy, total = _cpu_times()
        busy_rate, total_rate = self._busy_time.of(busy, now), self._all_time.of(total, now)
        if busy_rate is None or not total_rate:
            return None
        return min(1.0, busy_rate / total_rate)

    def _memory(self) -> tuple[int, int]:
        """Used and total, within the container's limit where there is one."""
        machine = psutil.virtual_memory()
        used, total = self._cgroup.memory() or (0, machine.total)
        if total < machine.total:
            return used, total
        return machine.total - machine.available, machine.total


@dataclass
class _Rate:
    """Growth a second of a number that only grows."""

    last: tuple[float, float] | None = None

    def of(self, value: float, now: float) -> float | None:
        """None at the first look, and at the first after a pause."""
        before, self.last = self.last, (now, value)
        if before is None or not 0 < now - before[0] <= GAP:
            return None
        return max(0.0, value - before[1]) / (now - before[0])


def _cpu_times() -> tuple[float, float]:
    """Seconds since boot in which the usable cores were busy, and all their seconds."""
    cores = psutil.cpu_times(percpu=True)
    if hasattr(os, "sched_getaffinity"):
        usable = os.sched_getaffinity(0)
        if max(usable) < len(cores):  # else cores are switched off, and places in the list are not their numbers
            cores = [cores[number] for number in usable]
    busy = total = 0.0
    for core in cores:
        # A guest's time is in the user's time already.
        whole = sum(core) - getattr(core, "guest", 0.0) - getattr(core, "guest_nice", 0.0)
        total += whole
        busy += whole - core.idle - getattr(core, "iowait", 0.0)
    return busy, total


def _use(run: Run, rate: _Rate, gpus: tuple[GpuSample, ...], now: float) -> RunUse:
    """What a running job uses. ``rate``: of the seconds of processor time of its processes."""
    started = run.last_event(RunStarted)
    # A process number says nothing on another machine or in another container.
    device = log_of(run).story().device
    processes = _family(started.pid, device == ALL) if started is not None and is_here(started) else []
    pids = frozenset(process.pid for process in processes)
    seconds = memory = 0
    for process in processes:
        with suppress(psutil.Error):  # it ended meanwhile
            times = process.cpu_times()
            seconds += times.user + times.system
            memory += process.memory_info().rss
    return RunUse(
        run_id=run.id,
        device=device,
        pid=started.pid if started is not None and processes else None,
        cores=rate.of(seconds, now) if processes else None,
        memory=memory if processes else None,
        gpus=tuple((gpu.index, held.bytes_used) for gpu in gpus for held in gpu.processes if held.pid in pids),
        pids=pids,
    )


def _family(pid: int, one_of_several: bool) -> list[psutil.Process]:
    """A process and its children, or those of its launcher, where it is one of the processes of a run; empty where it is not there."""
    try:
        process = psutil.Process(pid)
        process = (one_of_several and process.parent()) or process
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
