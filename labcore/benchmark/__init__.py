"""The comparison of CPU and GPU: what is measured, how it is kept, what it means.

``cases`` (what one measurement is), ``plan`` (which are taken), ``events``, ``report`` and ``job`` (how they are told and
kept), ``derive`` and ``words`` (speed-up, crossover, sentences), ``article`` (the figures that the lab answers) need no torch.
``run`` measures and loads it.
"""

from labcore.benchmark.cases import MODES, PRECISIONS, SCOPES, Case
from labcore.benchmark.events import (
    BenchmarkFinished,
    BenchmarkStarted,
    BenchmarkWaiting,
    CpuTuned,
    Measurement,
    PeakMeasured,
    Progress,
)
from labcore.benchmark.job import Benchmark
from labcore.benchmark.plan import Budget, Plan, full_plan, make_plan, quick_plan
from labcore.benchmark.report import BenchmarkReport

__all__ = [
    "MODES",
    "PRECISIONS",
    "SCOPES",
    "Benchmark",
    "BenchmarkFinished",
    "BenchmarkReport",
    "BenchmarkStarted",
    "BenchmarkWaiting",
    "Budget",
    "Case",
    "CpuTuned",
    "Measurement",
    "PeakMeasured",
    "Plan",
    "Progress",
    "full_plan",
    "make_plan",
    "quick_plan",
]
