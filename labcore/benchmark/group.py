"""Cases of the same work, measured interleaved: what each brings, or why it brings nothing."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch

from labcore.benchmark.cases import Case
from labcore.benchmark.counting import too_large
from labcore.benchmark.energy import energy_per_clip
from labcore.benchmark.events import Measurement
from labcore.benchmark.inputs import BenchmarkInputs
from labcore.benchmark.machine import unsupported
from labcore.benchmark.plan import Budget
from labcore.benchmark.stepper import Stepper
from labcore.benchmark.timing import CaseTimes, interleave, warm_up
from labcore.benchmark.watch import gpu_trouble, scatter
from labcore.device import is_out_of_memory
from labcore.doctor.privacy import scrub
from labcore.nvml import sample_of

PART_ROUNDS = 3


@dataclass
class _Work:
    """A case while it is measured."""

    case: Case
    stepper: Stepper | None = None
    times: CaseTimes = field(default_factory=CaseTimes)
    compile_seconds: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    energy: float | None = None
    clock: int | None = None
    slowed: str = ""
    failure: str = ""
    error: str = ""


class Group:
    """Measures cases of one work.

    Args:
        cases: with everything worked out.
        best: those whose form was found best.
        paces: seconds a clip by row and by (device, model, mode, scope), kept from group to group.
        full_rows: rows in which a batch did not fit, with its size; kept from group to group.
    """

    def __init__(
        self,
        cases: list[Case],
        best: set[Case],
        budget: Budget,
        paces: dict[tuple[Any, ...], float],
        full_rows: dict[tuple[Any, ...], int],
        stop: Callable[[], bool],
    ) -> None:
        self.works = [_Work(case) for case in cases]
        self.best, self.budget, self.paces, self.full_rows, self.stop = best, budget, paces, full_rows, stop

    def measure(self, seconds: float, over: Callable[[], bool] = lambda: False, deadline: float = math.inf) -> None:
        """Prepare, warm up, time in turns, then look into the parts and the energy.

        Args:
            seconds: of timing for each case.
            over: whether the plan's time is up.
            deadline: when it will be, by ``time.perf_counter``.
        """
        if any(work.case.compiled for work in self.works):
            _allow_many_compilations()
        inputs = BenchmarkInputs(self.works[0].case.model, self.works[0].case.batch_size)
        for work in self.works:
            work.failure, work.error = self._busy_reason(work.case, over)
            if not work.failure and not self.stop():
                self._attempt(work, lambda work=work: self._prepare(work, inputs, seconds))  # type: ignore[misc]
        ready = [work for work in self.works if work.stepper is not None and not work.failure]
        timed = [(work.stepper, work.times) for work in ready if work.stepper is not None]
        interleave(timed, seconds, self.budget.min_repeats, self.budget.max_repeats, self.stop, deadline)
        for work in ready:
            if work.times.error is not None:
                self._fail(work, work.times.error)
            elif work.times.taken and not self.stop():
                self._attempt(work, lambda work=work: self._look_closer(work, over))  # type: ignore[misc]
        for work in self.works:
            if work.stepper is not None:
                work.stepper.close()
                work.stepper = None

    def measurements(self, busy_gpus: dict[str, str], disturbed: str) -> list[Measurement]:
        """What came out; nothing of a case that was stopped before it had a figure."""
        return [
            _measurement(work, work.case in self.best, busy_gpus, disturbed)
            for work in self.works
            if work.failure or work.times.taken
        ]

    def _busy_reason(self, case: Case, over: Callable[[], bool]) -> tuple[str, str]:
        """Why a case is not measured at all: failure and error; empty where it is."""
        if case.row in self.full_rows:
            return "out_of_memory", f"a batch of {self.full_rows[case.row]} already did not fit"
        if over():
            return "skipped", f"time limit of {self.budget.total_seconds:g} s reached"
        reason = unsupported(torch.device(case.device), case.precision)
        if reason:
            return "skipped", reason
        expected = case.batch_size * self.paces.get(case.row, self.paces.get(_kin(case), 0.0))
        if expected > self.budget.max_call_seconds:
            return (
                "skipped",
                f"a batch would take about {expected:.2g} s, and the limit is {self.budget.max_call_seconds:g} s",
            )
        reason = too_large(case)
        if reason:
            self.full_rows[case.row] = case.batch_size
            return "out_of_memory", reason
        return "", ""

    def _prepare(self, work: _Work, inputs: BenchmarkInputs, seconds: float) -> None:
        work.stepper = stepper = Stepper(work.case, inputs)
        if work.case.compiled:
            start = time.perf_counter()
            stepper.seconds(1)
            work.compile_seconds = time.perf_counter() - start
        work.times = warm_up(stepper, seconds)
        call = stepper.seconds(1) if work.times.calls == 1 and work.times.warm_up == 1 else 0.0
        if call > self.budget.max_call_seconds:
            work.failure = "skipped"
            work.error = f"a batch takes {call:.2g} s, and the limit is {self.budget.max_call_seconds:g} s"
            self._note_pace(work.case, call)

    def _look_closer(self, work: _Work, over: Callable[[], bool]) -> None:
        assert work.stepper is not None
        case, typical = work.case, work.times.quartiles_ms()[1] / 1000
        self._note_pace(case, min(work.times.taken))  # the least disturbed one says what larger batches will take
        if not case.on_cpu:
            device = torch.device(case.device)
            work.stepper.seconds(work.times.calls)  # the clock is looked at right after work
            sample = sample_of(device)
            work.clock = sample.sm_clock_mhz if sample is not None else None
            work.slowed = gpu_trouble(sample)
            if case.scope == "network" and self.budget.energy_seconds > 0:
                work.energy = energy_per_clip(
                    device, case.batch_size, work.stepper.seconds, typical, self.budget.energy_seconds
                )
        if case.scope == "network":
            work.parts = {"network": 1000 * typical}
            return
        if over():
            return
        rounds = 1 if typical > self.budget.case_seconds / 2 else PART_ROUNDS
        seen = [work.stepper.parts() for _ in range(rounds)]
        work.parts = {part: 1000 * median(one[part] for one in seen) for part in seen[0]}

    def _note_pace(self, case: Case, call: float) -> None:
        self.paces[case.row] = self.paces[_kin(case)] = call / case.batch_size

    def _attempt(self, work: _Work, function: Callable[[], None]) -> None:
        try:
            function()
        except (RuntimeError, MemoryError, NotImplementedError) as error:
            self._fail(work, error)

    def _fail(self, work: _Work, error: BaseException) -> None:
        if work.stepper is not None:
            with contextlib.suppress(RuntimeError):
                work.stepper.close()
            work.stepper = None
        work.times.taken.clear()
        work.failure, work.error = failed(error, work.case)
        if work.failure == "out_of_memory":
            self.full_rows[work.case.row] = work.case.batch_size


def failed(error: BaseException, case: Case) -> tuple[str, str]:
    """Failure and error of a case that raised."""
    if is_out_of_memory(error):
        return "out_of_memory", f"a batch of {case.batch_size} does not fit in the memory of {case.device}"
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return "failed", scrub(first)[:300].rstrip(".")


def _measurement(work: _Work, best: bool, busy_gpus: dict[str, str], disturbed: str) -> Measurement:
    case, times = work.case, work.times
    told: dict[str, Any] = {}
    doubts = [disturbed, work.slowed, busy_gpus.get(case.device, "")]
    if times.taken and not work.failure:
        q1, middle, q3 = times.quartiles_ms()
        told = {
            "median_ms": middle,
            "q1_ms": q1,
            "q3_ms": q3,
            "clips_per_second": 1000 * case.batch_size / middle,
            "warm_up": times.warm_up,
            "repeats": len(times.taken),
            "calls": times.calls,
        }
        doubts.append(scatter(q1, middle, q3))
    return Measurement(
        case=case,
        best=best,
        energy_j_per_clip=work.energy,
        compile_seconds=work.compile_seconds,
        parts_ms=work.parts if told else {},
        threads=case.threads or torch.get_num_threads(),
        sm_clock_mhz=work.clock,
        disturbed="; ".join(filter(None, doubts)) if told else "",
        failure=work.failure,
        error=work.error,
        **told,
    )


def _kin(case: Case) -> tuple[Any, ...]:
    """Cases that take about as long: what one has taken tells what another will."""
    return ("kin", case.device, case.model, case.mode, case.scope, case.threads if case.on_cpu else None)


def _allow_many_compilations() -> None:
    """Forget what was compiled for other batches: torch gives up silently after a few forms of one network."""
    import torch._dynamo

    torch._dynamo.reset()
    for name in ("recompile_limit", "cache_size_limit"):  # the new name and the old one
        if hasattr(torch._dynamo.config, name):
            setattr(torch._dynamo.config, name, 256)
            break
