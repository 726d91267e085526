"""The figures of the article that the lab answers, to stand beside what is measured on the same work.

The article gives one forward pass of its small CNN over a tensor of (4, 1, 64, 64): about 8 ms on an RTX 3090 against more than
120 ms on a CPU, "15 times". It names neither the CPU nor how the time was taken, and its network as printed,
``Linear(64*32*32)`` after two poolings of a 64×64 input, cannot run; 64×16×16 is right and measured here.
"""

from __future__ import annotations

from dataclasses import dataclass

from labcore.benchmark.cases import ARTICLE
from labcore.benchmark.report import BenchmarkReport

NAME = "an article on audio classification with PyTorch on a GPU, for its small CNN on 4 × 1 × 64 × 64"
"""What the article is, for people. Its title and address are in no source that the lab has."""
BATCH = 4
CPU_MS, GPU_MS, FACTOR = 120.0, 8.0, 15.0


@dataclass(frozen=True)
class Line:
    """A line of the comparison. ``ms`` is of one forward pass; ``quoted`` says that it is the article's and was not measured here.

    ``at_least`` marks a figure that is given as "more than".
    """

    who: str
    form: str
    ms: float
    quoted: bool
    at_least: bool = False
    disturbed: str = ""


def beside(report: BenchmarkReport) -> list[Line]:
    """The article's two figures, then what the report measured on the same work; empty where it measured none of it."""
    measured = [
        Line(report.device_name(one.case.device), one.case.form, one.median_ms, False, disturbed=one.disturbed)
        for one in report.measurements
        if one.median_ms is not None and one.case.work == (ARTICLE, "inference", "network", BATCH)
    ]
    if not measured:
        return []
    quoted = [
        Line("a CPU, not named (the article)", "fp32", CPU_MS, True, at_least=True),
        Line("NVIDIA GeForce RTX 3090 (the article)", "fp32", GPU_MS, True),
    ]
    return [*quoted, *sorted(measured, key=lambda line: (line.who, line.ms))]
