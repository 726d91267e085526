"""A report as one JSON file: written out, and read back with distrust, since it may be an upload from anywhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from labcore.benchmark.events import MOST, AnyEvent, CpuTuned, Measurement, Number, PeakMeasured, Text
from labcore.benchmark.plan import MOST_CASES, BenchmarkPlan
from labcore.errors import ConfigError
from labcore.events import E, Moment, each_of
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


def report_from(content: str | bytes) -> dict[str, Any]:
    """The fields of a :class:`BenchmarkReport` from its file.

    Raises:
        ConfigError: it is none, of another version, or damaged.
    """
    if len(content) > MOST_BYTES:
        raise ConfigError("it is too large", _REMEDY)
    try:
        tree = parse_json(content)
    except DamagedError as error:
        raise ConfigError(error.what, _REMEDY) from error
    if not isinstance(tree, dict) or not str(tree.get("format", "")).startswith("labcore-benchmark-"):
        raise ConfigError("it is not marked as one", _REMEDY)
    if tree["format"] != FORMAT:
        raise ConfigError(
            f"it is of the format {str(tree['format'])[:40]}, and this lab reads {FORMAT}", "Update the lab"
        )
    try:
        file = _File.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_fault(error), _REMEDY) from error
    except UnicodeError as error:  # a type that is no text: pydantic stumbles over it while it says so
        raise ConfigError("it contains an event of an unknown type", _REMEDY) from error
    return {
        "id": slug(file.id),
        "plan": BenchmarkPlan.from_dict(file.plan),
        "machine": file.machine,
        "measurements": file.of(Measurement),
        "tunings": file.of(CpuTuned),
        "peaks": file.of(PeakMeasured),
    } | file.model_dump(include={"created", "state", "error", "remedy", "seconds"})


def _fault(error: ValidationError) -> str:
    """The first thing that is wrong: "events.1.measurement.median_ms is 'fast'"."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where} is missing" if first["type"] == "missing" else f"{where} is {str(first['input'])[:40]!r}"
