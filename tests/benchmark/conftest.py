from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labcore.benchmark import peak
from labcore.benchmark.cases import Case
from labcore.benchmark.events import Measurement
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.report import BenchmarkReport


@pytest.fixture(autouse=True)
def _small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peak is looked for among products that take no time."""
    monkeypatch.setattr(peak, "SIZES", (64, 128))


MACHINE = {
    "torch": "2.11.0",
    "devices": [{"device": "cpu", "name": "Test CPU, 2 cores"}, {"device": "cuda:0", "name": "Test GPU"}],
}


@pytest.fixture
def measured() -> Callable[..., Measurement]:
    """measured("cuda:0", 4, 1000.0, scope="transfer", precision="fp16") → a measurement of so many clips a second."""

    def make(device: str, batch_size: int, clips_per_second: float | None, **case: Any) -> Measurement:
        made = Case(device, case.pop("model", "compact"), batch_size=batch_size, **case)
        if clips_per_second is None:
            return Measurement(case=made, failure="out_of_memory", error="it did not fit")
        ms = 1000 * batch_size / clips_per_second
        return Measurement(
            case=made, median_ms=ms, q1_ms=0.9 * ms, q3_ms=1.1 * ms, clips_per_second=clips_per_second, repeats=5
        )

    return make


@pytest.fixture
def report_of() -> Callable[..., BenchmarkReport]:
    """report_of(measurement, …) → a finished report of them."""

    def make(*measurements: Measurement) -> BenchmarkReport:
        plan = BenchmarkPlan("custom", tuple(one.case for one in measurements))
        return BenchmarkReport("20260101-120000-benchmark-custom-abcd", 1.7e9, plan, MACHINE, tuple(measurements))

    return make
