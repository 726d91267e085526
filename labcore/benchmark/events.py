"""What a benchmark tells while it goes: one JSON line each in the report's ``events.jsonl``.

In this order: perhaps ``waiting``, ``started``, then ``peak_measured``, ``cpu_tuned``, ``measurement`` and ``progress`` in
turn, last ``finished``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from labcore.benchmark.cases import Case
from labcore.events import Event


@dataclass(frozen=True, kw_only=True)
class BenchmarkWaiting(Event):
    """The benchmark waits to be started; ``why`` in words."""

    type: ClassVar[str] = "waiting"
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class BenchmarkStarted(Event):
    """Measuring begins. ``seconds`` is the estimate of the plan."""

    type: ClassVar[str] = "started"
    pid: int
    cases: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Where the benchmark is: ``done`` of ``total`` cases, and what comes now."""

    type: ClassVar[str] = "progress"
    done: int
    total: int
    what: str
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class CpuTuned(Event):
    """The CPU's best form for a network, mode and batch size, of those that were timed.

    ``tried`` holds ``{"precision", "memory_format", "threads", "ms"}`` of each, quickest first; ``ms`` is the median of a
    batch. ``reason`` is a sentence without the final stop.
    """

    type: ClassVar[str] = "cpu_tuned"
    model: str
    mode: str
    batch_size: int
    precision: str
    memory_format: str
    threads: int
    reason: str
    tried: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class PeakMeasured(Event):
    """The fastest matrix product found on a device: (``size`` × ``size``) by the same, 2 · size³ operations."""

    type: ClassVar[str] = "peak_measured"
    device: str
    precision: str
    threads: int | None
    flops_per_second: float
    size: int


@dataclass(frozen=True, kw_only=True)
class Measurement(Event):
    """What was measured of a case.

    Attributes:
        case: with everything that was ``best`` in the plan worked out.
        best: whether the form was found best by timing before (the CPU's in a plan that asked for it).
        warm_up: calls before the clock ran.
        repeats: how often the time was taken.
        calls: calls of the work in each of them; one time is that of the calls together, divided by their number.
        median_ms, q1_ms, q3_ms: of a batch; None where nothing was measured.
        clips_per_second: batch size over the median.
        flops_per_clip: of the network alone, counted (multiply and add are two).
        peak_share: those FLOPs in the time of the whole call, over the measured matrix-product peak of device and precision.
        energy_j_per_clip: of the whole GPU card, by its own counter; None where it has none, and for the CPU.
        compile_seconds: of ``torch.compile``, the first call included; not part of the times.
        parts_ms: where the time of a batch goes (a selection of :data:`labcore.benchmark.cases.PARTS`), medians, taken by
            themselves with the device waited for after each part: their sum can be more than ``median_ms``.
        threads: of torch while it was measured.
        sm_clock_mhz: of the GPU right after the last repeat.
        disturbed: "" or why the figure is to be doubted, a sentence without the final stop.
        failure: "" or ``out_of_memory``, ``skipped`` or ``failed``; then ``error`` says what happened.
        error: "" or a sentence without the final stop.
    """

    type: ClassVar[str] = "measurement"
    case: Case
    best: bool = False
    warm_up: int = 0
    repeats: int = 0
    calls: int = 0
    median_ms: float | None = None
    q1_ms: float | None = None
    q3_ms: float | None = None
    clips_per_second: float | None = None
    flops_per_clip: float | None = None
    peak_share: float | None = None
    energy_j_per_clip: float | None = None
    compile_seconds: float | None = None
    parts_ms: dict[str, float] = field(default_factory=dict)
    threads: int = 0
    sm_clock_mhz: int | None = None
    disturbed: str = ""
    failure: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a figure."""
        return self.median_ms is not None


@dataclass(frozen=True, kw_only=True)
class BenchmarkFinished(Event):
    """The benchmark is over. ``state`` is finished, stopped or failed."""

    type: ClassVar[str] = "finished"
    state: str
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0


EVENTS: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        BenchmarkWaiting,
        BenchmarkStarted,
        Progress,
        CpuTuned,
        PeakMeasured,
        Measurement,
        BenchmarkFinished,
    )
}
