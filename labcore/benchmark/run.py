"""The benchmark itself: works a plan off and tells what it finds."""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from labcore.benchmark.cases import BEST, Case
from labcore.benchmark.counting import count
from labcore.benchmark.events import BenchmarkProgress, CpuTuned, Measurement, PeakMeasured
from labcore.benchmark.group import Group
from labcore.benchmark.job import Benchmark, active_run
from labcore.benchmark.machine import describe
from labcore.benchmark.peak import measure_peak
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.tuning import tune_cpu
from labcore.benchmark.watch import Watch
from labcore.device import is_out_of_memory, set_tf32, tf32_settings, usable_cores
from labcore.events import Event
from labcore.jobs.process import StopTest


def work(benchmark: Benchmark, should_stop: StopTest) -> Generator[Event, None, None]:
    """Measuring as the work of a benchmark's job: describes the machine in its folder and yields the figures.

    Raises:
        DeviceError, ConfigError: a device or a network that is not there.
        ReportError: its plan cannot be read.
    """

    def beside() -> str:
        run = active_run(benchmark.workspace)
        return f"run {run.id} was training at the same time" if run is not None else ""

    plan = benchmark.plan
    benchmark.save("machine", describe(plan.devices))
    yield from run_plan(plan, should_stop, beside=beside)


def run_plan(
    plan: BenchmarkPlan,
    should_stop: StopTest = lambda: False,
    *,
    beside: Callable[[], str] = lambda: "",
) -> Iterator[Event]:
    """Measure a plan, and keep nothing.

    What torch keeps for the whole process (threads, TF32) is put back at the end.

    Args:
        plan: cases and budget.
        should_stop: asked between two cases and between two blocks of one.
        beside: tells who else is working on the machine now, a sentence without the final stop; "" for nobody.

    Yields:
        ``PeakMeasured``, ``CpuTuned``, ``BenchmarkProgress`` and ``Measurement`` in turn.

    Raises:
        DeviceError, ConfigError: a device or a network that is not there.
    """
    with _settings_kept():
        yield from _Measurement(plan, should_stop, time.perf_counter(), beside).events()


@contextlib.contextmanager
def _settings_kept() -> Iterator[None]:
    threads, tf32 = torch.get_num_threads(), tf32_settings()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        set_tf32(tf32)


@dataclass
class _Measurement:
    """What is known while a plan is worked off."""

    plan: BenchmarkPlan
    stop: Callable[[], bool]
    began: float
    beside: Callable[[], str]
    peaks: dict[tuple[str, str], float | None] = field(default_factory=dict)
    tuned: dict[tuple[str, str, int], CpuTuned] = field(default_factory=dict)
    paces: dict[tuple[Any, ...], float] = field(default_factory=dict)
    full_rows: dict[tuple[Any, ...], int] = field(default_factory=dict)
    expected_done: float = 0.0

    def events(self) -> Iterator[Event]:
        groups, done = self.plan.groups, 0
        for case in self.plan.cases:
            count(case.model, case.mode)  # tells at once of a network that there is not
        watch = Watch(self.plan.devices)
        for cases in groups:
            if self.stop():
                return
            if self.over():
                error = f"time limit of {self.plan.budget.total_seconds:g} s reached"
                for case in cases:
                    yield Measurement(case=case, failure="skipped", error=error)
                continue
            yield self._progress(done, cases[0])
            fresh: list[Event] = []
            ready, known = self._worked_out(cases, fresh)
            yield from fresh
            done += len(cases)
            if self.stop():
                return
            watch.restart()
            group = Group(ready, known, self.plan.budget, self.paces, self.full_rows, self.stop)
            group.measure(self._seconds_a_case(), self.over, self.end)
            disturbed = "; ".join(filter(None, [watch.trouble(), self.beside()]))
            for measurement in group.measurements(watch.busy_gpus, disturbed):
                key = (measurement.case.device, measurement.case.precision)
                if measurement.ok and key not in self.peaks:
                    peak = None if self.over() else measure_peak(*key, self.plan.budget.peak_seconds)
                    self.peaks[key] = peak.flops_per_second if isinstance(peak, PeakMeasured) else None
                    if peak is not None:
                        yield peak
                yield self._completed(measurement)
            self.expected_done += sum(self.plan.seconds_of(case) for case in cases)
            gc.collect()

    @property
    def end(self) -> float:
        """When the plan's time is up, by ``time.perf_counter``."""
        total = self.plan.budget.total_seconds
        return math.inf if total is None else self.began + total

    def left(self) -> float:
        """Seconds until then."""
        return self.end - time.perf_counter()

    def over(self) -> bool:
        """Whether the plan's time is up."""
        return self.left() < 0

    def _worked_out(self, cases: tuple[Case, ...], told: list[Event]) -> tuple[list[Case], set[Case]]:
        """The cases with everything ``best`` replaced by what it is, and which of them were."""
        ready: dict[Case, None] = {}
        best: set[Case] = set()
        for case in cases:
            if not case.on_cpu or BEST not in (case.precision, case.memory_format):
                threads = case.threads or (usable_cores() if case.on_cpu else None)
                ready[replace(case, threads=threads)] = None
                continue
            key = (case.model, case.mode, self.plan.tuned_at(case))
            if key not in self.tuned:
                try:
                    seconds = min(self.plan.budget.tune_seconds, max(0.05, self.left() / 6))
                    self.tuned[key] = tune_cpu(*key, seconds, self.stop)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    self.tuned[key] = _untimed(*key)
                told.append(self.tuned[key])
            found = self.tuned[key]
            resolved = replace(
                case,
                precision=found.precision,
                memory_format=found.memory_format,
                onnx=found.onnx,
                threads=case.threads or found.threads,
            )
            ready[resolved] = None
            if case.threads is None:
                best.add(resolved)
        return list(ready), best

    def _seconds_a_case(self) -> float:
        """The budget's, or less where the plan's time runs out."""
        expected = sum(map(self.plan.seconds_of, self.plan.cases)) - self.expected_done
        return self.plan.budget.case_seconds * min(1.0, max(0.1, self.left() / max(0.01, expected)))

    def _progress(self, done: int, case: Case) -> BenchmarkProgress:
        model, mode, scope, batch = case.work
        elapsed = time.perf_counter() - self.began
        whole = sum(map(self.plan.seconds_of, self.plan.cases))
        left = self.plan.seconds * (1 - self.expected_done / max(0.01, whole))
        if done:  # as the rest goes so far, mixed with the estimate while there is little to go by
            share = self.expected_done / max(0.01, whole)
            left = (1 - share) * left + share * elapsed * (1 - share) / max(0.01, share)
        left = min(left, max(0.0, self.left()))
        what = f"{model}, {mode}, {scope}, batch {batch}"
        return BenchmarkProgress(done=done, total=len(self.plan.cases), what=what, seconds_left=round(left, 1))

    def _completed(self, measurement: Measurement) -> Measurement:
        """With what can be counted: FLOPs, and their share of the peak."""
        case = measurement.case
        flops = count(case.model, case.mode).flops
        peak = self.peaks.get((case.device, case.precision))
        share = None
        if measurement.clips_per_second is not None and peak:
            share = flops * measurement.clips_per_second / peak
            # More than all there is: others were busy while the peak was measured, so it is none.
            share = share if share <= 1 else None
        return measurement.model_copy(update={"flops_per_clip": flops, "peak_share": share})


def _untimed(model: str, mode: str, batch: int) -> CpuTuned:
    return CpuTuned(
        model=model,
        mode=mode,
        batch_size=batch,
        precision="fp32",
        memory_format="contiguous",
        threads=usable_cores(),
        reason="not timed: out of memory",
    )
