"""What follows from a report's measurements: who is faster by how much, and from which batch size on. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labcore.benchmark.cases import PARTS, SCOPES
from labcore.benchmark.events import Measurement
from labcore.benchmark.report import BenchmarkReport

EVEN = 1.05
"""Speeds closer than this factor count as equal."""


Work = tuple[str, str, str, int]
"""Model, mode, scope and batch size."""


@dataclass(frozen=True)
class SpeedUp:
    """How many times as fast as another a device is at one work, each in its fastest form measured."""

    device: str
    model: str
    mode: str
    scope: str
    batch_size: int
    factor: float


def fastest(measured: Iterable[tuple[str, Measurement]]) -> dict[tuple[str, Work], Measurement]:
    """Of each (device, work) the measurement with the most clips a second, given by what devices are called; those without a figure out."""
    found: dict[tuple[str, Work], Measurement] = {}
    for device, one in measured:
        key = (device, one.case.work)
        if one.clips_per_second and (key not in found or one.clips_per_second > (found[key].clips_per_second or 0.0)):
            found[key] = one
    return found


def fastest_of(report: BenchmarkReport) -> dict[tuple[str, Work], Measurement]:
    """The same of all that a report has measured."""
    return fastest((one.case.device, one) for one in report.measurements)


def speed_up(best: Mapping[tuple[str, Work], Measurement], base: str = "cpu") -> list[SpeedUp]:
    """Every other device against ``base`` at each work that both did, of what :func:`fastest` gives; by device and work."""
    found = []
    for (device, work), other in best.items():
        slow = best.get((base, work))
        if device != base and slow is not None:
            factor = (other.clips_per_second or 0.0) / (slow.clips_per_second or 1.0)
            found.append(SpeedUp(device, *work, factor=factor))
    return sorted(found, key=lambda s: (s.device, s.model, s.mode, list(SCOPES).index(s.scope), s.batch_size))


def crossover(report: BenchmarkReport, device: str, model: str, mode: str, scope: str) -> int | None:
    """The smallest batch size from which on a GPU is the faster one, by more than :data:`EVEN`, at every size measured; None where there is
    none."""
    faster = speed_up(fastest_of(report))
    row = [s for s in faster if (s.device, s.model, s.mode, s.scope) == (device, model, mode, scope)]  # by batch size
    found = None
    for one in reversed(row):
        if one.factor <= EVEN:
            break
        found = one.batch_size
    return found


def flat(one: Measurement) -> dict[str, Any]:
    """A measurement as one flat dictionary: what ``labcore benchmark --json`` prints of it."""
    figures = one.model_dump(exclude={"type", "time", "case", "parts_ms"})
    return {**one.case.to_dict(), **figures, **{f"{part}_ms": one.parts_ms.get(part) for part in PARTS}}
