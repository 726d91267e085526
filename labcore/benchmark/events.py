"""What a benchmark tells while it goes: one JSON line each in the report's ``events.jsonl``.

In this order: perhaps ``waiting``, ``started``, then ``peak_measured``, ``cpu_tuned``, ``measurement`` and ``progress`` in
turn, last ``finished``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, Union

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from labcore.benchmark.cases import MODES, PARTS, Case, form_words
from labcore.errors import LabError
from labcore.events import Event, Finished, Kinds, Queued, Started, kinds_of
from labcore.texts import shown

LEAST, MOST = 1e-12, 1e18
"""A number of a report is nothing, or within these: what is drawn and divided stays finite."""

MOST_TEXT = 2000
"""Characters of a sentence."""


def _measured(value: float) -> float:
    if value and not LEAST <= value <= MOST:
        raise ValueError("it is out of bounds")
    return value


def _sentence(text: str) -> str:
    if len(text) > MOST_TEXT:  # a max_length of pydantic's takes no text that is no unicode
        raise ValueError("it is too long")
    return shown(text)


def _case(value: Any) -> Any:
    try:
        return Case(**value) if isinstance(value, dict) else value
    except (TypeError, LabError) as error:
        raise ValueError(str(error)) from error


Number = Annotated[float, AfterValidator(_measured)]
Count = Annotated[int, Field(ge=0, le=int(MOST))]
Text = Annotated[str, AfterValidator(_sentence)]
Mode = Annotated[str, Field(pattern=f"^({'|'.join(MODES)})$")]
Part = Annotated[str, Field(pattern=f"^({'|'.join(PARTS)})$")]


class BenchmarkEvent(Event):
    """Base of the events of a benchmark. A report may come from anywhere, so that nothing is taken up but what is asked for."""

    model_config = ConfigDict(extra="ignore")


class Tried(BaseModel):
    """A form of the CPU that was timed; ``ms`` is the median of a batch."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    precision: Text
    memory_format: Text
    threads: Count
    onnx: bool = False
    ms: Number

    @property
    def form(self) -> str:
        return form_words(self.precision, self.memory_format, self.threads, onnx=self.onnx)


class BenchmarkWaiting(Queued, BenchmarkEvent):
    """The benchmark waits for its turn."""

    type: Literal["waiting"] = "waiting"
    by: Text = ""


class BenchmarkStarted(Started, BenchmarkEvent):
    """Measuring begins. ``seconds`` is the estimate of the plan."""

    type: Literal["started"] = "started"
    pid: Count = 0
    host: Text = ""
    by: Text = ""
    cases: Count
    seconds: Number


class BenchmarkProgress(BenchmarkEvent):
    """Where the benchmark is: ``done`` of ``total`` cases, and what comes now."""

    type: Literal["progress"] = "progress"
    done: Count
    total: Count
    what: Text
    seconds_left: Number


class CpuTuned(BenchmarkEvent):
    """The CPU's best form for a network, mode and batch size, of those that were timed.

    ``tried`` holds them, quickest first. ``reason`` is a sentence without the final stop.
    """

    type: Literal["cpu_tuned"] = "cpu_tuned"
    model: Text
    mode: Mode
    batch_size: Count
    precision: Text
    memory_format: Text
    threads: Count
    onnx: bool = False
    reason: Text
    tried: Annotated[list[Tried], Field(max_length=1000)] = Field(default_factory=list)

    @property
    def form(self) -> str:
        return form_words(self.precision, self.memory_format, self.threads, onnx=self.onnx)


class PeakMeasured(BenchmarkEvent):
    """The fastest matrix product found on a device: (``size`` × ``size``) by the same, 2 · size³ operations."""

    type: Literal["peak_measured"] = "peak_measured"
    device: Text
    precision: Text
    threads: Count | None
    flops_per_second: Number
    size: Count


class Measurement(BenchmarkEvent):
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

    type: Literal["measurement"] = "measurement"
    case: Annotated[Case, BeforeValidator(_case)]
    best: bool = False
    warm_up: Count = 0
    repeats: Count = 0
    calls: Count = 0
    median_ms: Number | None = None
    q1_ms: Number | None = None
    q3_ms: Number | None = None
    clips_per_second: Number | None = None
    flops_per_clip: Number | None = None
    peak_share: Number | None = None
    energy_j_per_clip: Number | None = None
    compile_seconds: Number | None = None
    parts_ms: dict[Part, Number] = Field(default_factory=dict)
    threads: Count = 0
    sm_clock_mhz: Count | None = None
    disturbed: Text = ""
    failure: Text = ""
    error: Text = ""

    @property
    def ok(self) -> bool:
        """Whether there is a figure."""
        return self.median_ms is not None


class BenchmarkFinished(Finished, BenchmarkEvent):
    """The benchmark is over. ``state`` is finished, stopped or failed."""

    type: Literal["finished"] = "finished"
    state: Text
    error: Text = ""
    remedy: Text = ""
    seconds: Number = 0.0
    by: Text = ""


AnyEvent: TypeAlias = Union[  # noqa: UP007
    BenchmarkWaiting, BenchmarkStarted, BenchmarkProgress, CpuTuned, PeakMeasured, Measurement, BenchmarkFinished,
]  # fmt: skip
"""The events of a benchmark, told apart by their type."""
EVENTS: Kinds = kinds_of(AnyEvent)
