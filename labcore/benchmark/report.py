"""What a benchmark found, as it stands and as one file to hand around, read back with distrust: an upload comes from anywhere. No torch."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from labcore.benchmark.events import (
    MOST,
    AnyEvent,
    BenchmarkEvent,
    BenchmarkProgress,
    CpuTuned,
    Measurement,
    Number,
    PeakMeasured,
    Text,
)
from labcore.benchmark.plan import MOST_CASES, BenchmarkPlan
from labcore.errors import ConfigError, LabError
from labcore.events import E, Moment, each_of
from labcore.jobs.status import ENDED
from labcore.reading import DamagedError, parse_json
from labcore.texts import shown
from labcore.workspace import slug

FORMAT = "labcore-benchmark-1"
MOST_BYTES = 50_000_000
_REMEDY = "Use a JSON file from the Benchmark page or `labcore benchmark --output`"


_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def _with_devices(machine: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(machine.get("devices", []), list):
        raise ValueError("it lists no devices")
    return machine


_Word = Annotated[str, Field(max_length=499), AfterValidator(shown)]
_Fact = _Word | bool | Annotated[int, Field(ge=-MOST, le=MOST)] | Annotated[float, Field(ge=-MOST, le=MOST)] | None
_Facts = Annotated[dict[_Word, _Fact], Field(max_length=100)]
_Part = _Fact | Annotated[list[_Facts], Field(max_length=100)]
Machine = Annotated[dict[_Word, _Part], Field(max_length=100), AfterValidator(_with_devices)]
"""Texts, numbers, and lists of such dictionaries; anything deeper is no description of a machine."""
MACHINES: TypeAdapter[dict[str, Any]] = TypeAdapter(Machine, config=_STRICT)


class _File(BaseModel):
    """The fields of a report's file, each of the right kind; the plan is looked at by who knows it."""

    model_config = _STRICT

    id: Text
    created: Moment
    state: Literal["finished", "stopped", "failed", "interrupted"]
    error: Text = ""
    remedy: Text = ""
    seconds: Number = 0.0
    machine: Machine
    plan: Any
    events: list[Annotated[AnyEvent, Field(discriminator="type")]]

    def of(self, kind: type[E]) -> tuple[E, ...]:
        return tuple(each_of(self.events[: 2 * MOST_CASES], kind))


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
            file = _read(content)
            plan = BenchmarkPlan.from_dict(file.plan)
        except ConfigError as error:
            raise ReportError(f"this file is not a benchmark report: {error.what}", error.remedy) from error
        return cls(
            id=slug(file.id),
            plan=plan,
            machine=file.machine,
            measurements=file.of(Measurement),
            tunings=file.of(CpuTuned),
            peaks=file.of(PeakMeasured),
            **file.model_dump(include={"created", "state", "error", "remedy", "seconds"}),
        )


def _read(content: str | bytes) -> _File:
    """Raises ConfigError where it is no report, of another version, or damaged."""
    if len(content) > MOST_BYTES:
        raise ConfigError("it is too large", _REMEDY)
    try:
        tree = parse_json(content)
    except DamagedError as error:
        raise ConfigError(error.what, _REMEDY) from error
    if not isinstance(tree, dict) or not str(tree.get("format", "")).startswith("labcore-benchmark-"):
        raise ConfigError("it is not marked as one", _REMEDY)
    if tree["format"] != FORMAT:
        told = f"it is of the format {str(tree['format'])[:40]}, and this lab reads {FORMAT}"
        raise ConfigError(told, "Update the lab")
    try:
        return _File.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_fault(error), _REMEDY) from error
    except UnicodeError as error:  # a type that is no text: pydantic stumbles over it while it says so
        raise ConfigError("it contains an event of an unknown type", _REMEDY) from error


def _fault(error: ValidationError) -> str:
    """The first thing that is wrong: "events.1.measurement.median_ms is 'fast'"."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where} is missing" if first["type"] == "missing" else f"{where} is {str(first['input'])[:40]!r}"
