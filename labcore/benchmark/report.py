"""What a benchmark found, as it stands and as one file to hand around. Needs no torch."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from labcore.benchmark.events import BenchmarkEvent, BenchmarkProgress, CpuTuned, Measurement, PeakMeasured
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.serialization import FORMAT, report_from
from labcore.errors import LabError
from labcore.jobs.status import ENDED


class ReportError(LabError):
    """A benchmark report that is not there, cannot be read, or is in the wrong state for what was asked."""


@dataclass(frozen=True)
class BenchmarkReport:
    """A report as it stands. Immutable: :meth:`labcore.benchmark.job.Benchmark.report` gives a fresh one.

    ``machine`` maps ``devices`` (list of ``{"device", "name", …}``), ``torch``, ``system`` … as
    :func:`labcore.benchmark.machine.describe` gives it. ``state`` is queued, running, stopping, finished, stopped,
    failed or interrupted; ``by`` asked for it, where known; ``progress`` is the last ``progress`` event, or None.
    """

    id: str
    created: float
    plan: BenchmarkPlan
    machine: dict[str, Any]
    measurements: tuple[Measurement, ...] = ()
    tunings: tuple[CpuTuned, ...] = ()
    peaks: tuple[PeakMeasured, ...] = ()
    state: str = "finished"
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0
    progress: BenchmarkProgress | None = None
    by: str = ""

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    @property
    def figures(self) -> tuple[BenchmarkEvent, ...]:
        """Everything that was measured."""
        return (*self.peaks, *self.tunings, *self.measurements)

    @property
    def title(self) -> str:
        """What it is of, in a line: ``Intel Xeon, 2 cores · quick · 2026-11-23 18:04``."""
        names = [str(device.get("name", device.get("device", "?"))) for device in self.machine.get("devices", [])]
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        return " · ".join([*(names or ["unknown machine"]), self.plan.name, when])

    def device_name(self, device: str) -> str:
        """What a device of this report calls itself."""
        for known in self.machine.get("devices", []):
            if known.get("device") == device:
                return str(known.get("name", device))
        return device

    def to_json(self) -> str:
        """The report as one file, for :meth:`from_json` here or on another machine."""
        tree = {
            "format": FORMAT,
            "id": self.id,
            "created": self.created,
            "state": "interrupted" if self.active else self.state,
            "error": self.error,
            "remedy": self.remedy,
            "seconds": self.seconds,
            "machine": self.machine,
            "plan": self.plan.to_dict(),
            "events": [event.facts() for event in self.figures],
        }
        return json.dumps(tree, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, content: str | bytes) -> BenchmarkReport:
        """A report from what :meth:`to_json` made; nothing in it is trusted.

        Raises:
            ReportError: it is no report of this lab, or a damaged one.
        """
        try:
            return cls(**report_from(content))
        except LabError as error:
            raise ReportError(f"this file is not a benchmark report: {error.what}", error.remedy) from error
