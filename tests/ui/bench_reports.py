"""Reports for the tests of the Speed page: composed from simple rules, never measured, and never shown to a user."""

from __future__ import annotations

from collections.abc import Iterator

from labcore.benchmark.cases import ARTICLE, SCOPES, Case
from labcore.benchmark.events import CpuTuned, Measurement, PeakMeasured
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.report import BenchmarkReport
from labcore.events import Event

CPU = {"device": "cpu", "name": "Processor of a test, 2 cores"}
GPU = {"device": "cuda:0", "name": "Card of a test"}
BATCHES = (1, 4, 16, 64)
# Milliseconds a call and a clip, by device and part.
START = {"cpu": 0.2, "cuda:0": 2.0}
CLIP = {
    "cpu": {"decode": 2.0, "mel": 1.0, "network": 3.0},
    "cuda:0": {"decode": 2.0, "transfer": 0.05, "mel": 0.01, "network": 0.03},
}
INCLUDED = {"network": ("network",), "transfer": ("transfer", "network"), "waveform": ("transfer", "mel", "network")}
FORMS = {
    "cpu": (("fp32", "contiguous", 1.0), ("bf16", "channels_last", 0.6)),
    "cuda:0": (("fp32", "contiguous", 1.0), ("fp16", "channels_last", 0.3)),
}


def measurement(case: Case, factor: float = 1.0) -> Measurement:
    included = INCLUDED.get(case.scope, ("decode", "transfer", "mel", "network"))
    parts = {part: ms * case.batch_size for part, ms in CLIP[case.device].items() if part in included}
    parts["network"] = (parts["network"] + START[case.device]) * factor
    median = sum(parts.values())
    return Measurement(
        case=case, warm_up=2, repeats=9, calls=1, median_ms=median, q1_ms=0.93 * median, q3_ms=1.1 * median,
        clips_per_second=1000 * case.batch_size / median, flops_per_clip=1e8, peak_share=0.21, threads=case.threads or 2,
        parts_ms=parts if case.scope != "network" else {},
    )  # fmt: skip


def events(devices: tuple[str, ...]) -> Iterator[Event]:
    for device in devices:
        yield PeakMeasured(device=device, precision="fp32", threads=2, flops_per_second=1e11, size=1024)
    tried = [
        {"precision": "bf16", "memory_format": "channels_last", "threads": 2, "ms": 30.0},
        {"precision": "fp32", "memory_format": "channels_last", "threads": 2, "ms": 41.0},
        {"precision": "fp32", "memory_format": "contiguous", "threads": 1, "ms": 80.0},
    ]
    yield CpuTuned(
        model="compact", mode="inference", batch_size=16, precision="bf16", memory_format="channels_last", threads=2,
        reason="it was the quickest of three", tried=tried,
    )  # fmt: skip
    for device in devices:
        threads = 2 if device == "cpu" else None
        for precision, memory_format, factor in FORMS[device]:
            form = {"precision": precision, "memory_format": memory_format, "threads": threads}
            yield measurement(Case(device, ARTICLE, batch_size=4, **form), factor)
            for scope in SCOPES:
                for batch in BATCHES:
                    yield measurement(Case(device, "compact", scope=scope, batch_size=batch, **form), factor)
            yield measurement(Case(device, "compact", mode="training", batch_size=16, **form), 3 * factor)


def report(*devices: str, created: float = 1_700_000_000.0, state: str = "finished", **more) -> BenchmarkReport:
    """A report of these devices, the CPU alone by default."""
    told = list(events(devices or ("cpu",)))
    measured = tuple(event for event in told if isinstance(event, Measurement))
    return BenchmarkReport(
        id="composed",
        created=created,
        plan=BenchmarkPlan("quick", tuple(event.case for event in measured)),
        machine={"devices": [CPU, GPU][: len(devices or ("cpu",))], "torch": "2.11.0"},
        measurements=measured,
        tunings=tuple(event for event in told if isinstance(event, CpuTuned)),
        peaks=tuple(event for event in told if isinstance(event, PeakMeasured)),
        state=state,
        seconds=12.0,
        **more,
    )
