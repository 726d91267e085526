"""What follows from a report's measurements: who is faster by how much, and from which batch size on. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labcore.benchmark.cases import PARTS, SCOPES
from labcore.benchmark.events import Measurement
from labcore.benchmark.report import BenchmarkReport

EVEN = 1.05
"""Speeds closer than this factor count as equal."""


@dataclass(frozen=True)
class SpeedUp:
    """How many times as fast as the CPU a GPU is at one work, each in its fastest form measured."""

    device: str
    model: str
    mode: str
    scope: str
    batch_size: int
    factor: float
    cpu: Measurement
    gpu: Measurement


def fastest(measurements: Iterable[Measurement]) -> dict[tuple[str, tuple[str, str, str, int]], Measurement]:
    """Of each (device, work) the measurement with the most clips a second. What has no figure is left out."""
    found: dict[tuple[str, tuple[str, str, str, int]], Measurement] = {}
    for one in measurements:
        key = (one.case.device, one.case.work)
        if one.clips_per_second and (key not in found or one.clips_per_second > (found[key].clips_per_second or 0.0)):
            found[key] = one
    return found


def speed_up(report: BenchmarkReport) -> list[SpeedUp]:
    """Every GPU against the CPU at each work that both did, by device, model, mode, scope and batch size."""
    best = fastest(report.measurements)
    found = []
    for (device, work), gpu in best.items():
        cpu = best.get(("cpu", work))
        if device != "cpu" and cpu is not None:
            factor = (gpu.clips_per_second or 0.0) / (cpu.clips_per_second or 1.0)
            found.append(SpeedUp(device, *work, factor=factor, cpu=cpu, gpu=gpu))
    return sorted(found, key=lambda s: (s.device, s.model, s.mode, list(SCOPES).index(s.scope), s.batch_size))


def crossover(report: BenchmarkReport, device: str, model: str, mode: str, scope: str) -> int | None:
    """The smallest batch size from which on a GPU is the faster one at every size measured; None where there is none."""
    row = [
        s for s in speed_up(report) if (s.device, s.model, s.mode, s.scope) == (device, model, mode, scope)
    ]  # by batch size
    found = None
    for one in reversed(row):
        if one.factor <= 1:
            break
        found = one.batch_size
    return found


def flat(one: Measurement) -> dict[str, Any]:
    """A measurement as one flat dictionary: what ``labcore benchmark --json`` prints of it."""
    figures = one.model_dump(exclude={"type", "time", "case", "parts_ms"})
    return {**one.case.to_dict(), **figures, **{f"{part}_ms": one.parts_ms.get(part) for part in PARTS}}
