"""A report as one JSON file: written out, and read back with distrust, since it may be an upload from anywhere."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from labcore.benchmark.cases import BEST, MODES, PARTS, Case
from labcore.benchmark.events import EVENTS, BenchmarkFinished, CpuTuned, Measurement, PeakMeasured
from labcore.benchmark.plan import MOST_CASES, Plan
from labcore.errors import ConfigError, LabError
from labcore.events import Event
from labcore.reading import LATEST, DamagedError, parse_json
from labcore.texts import shown
from labcore.workspace import slug

if TYPE_CHECKING:
    from labcore.benchmark.report import BenchmarkReport

FORMAT = "labcore-benchmark-1"
MOST_BYTES = 50_000_000
LEAST, MOST = 1e-12, 1e18
"""A number of a report is nothing, or within these: what is drawn and divided stays finite."""
_REMEDY = "Take the JSON file that the Speed page or `labcore benchmark --output` wrote"
# What a number may be told as; bool is an int to Python and no number here.
_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def event_from(tree: Any) -> Event:
    """An event from its JSON, each value of the right kind and every number finite and not negative.

    Raises:
        ConfigError: it is none of this lab.
    """
    try:
        kind = EVENTS[tree["type"]]
        given = {name: value for name, value in tree.items() if name != "type"}
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError("a line is no event of a benchmark", _REMEDY) from error
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name not in given:
            if field.default is MISSING and field.default_factory is MISSING:
                raise ConfigError(f"{kind.type} lacks {field.name}", _REMEDY)
            continue
        values[field.name] = _value(f"{kind.type}.{field.name}", str(field.type), given[field.name])
    return kind(**values)


def _value(where: str, kind: str, value: Any) -> Any:
    wrong = ConfigError(f"{where} is {str(value)[:40]!r}", _REMEDY)
    if kind == "Case":
        try:
            case = Case(**value)
        except TypeError as error:
            raise wrong from error
        if BEST in (case.precision, case.memory_format) and where != "measurement.case":
            raise wrong
        return case
    if kind == "dict[str, float]":
        if not isinstance(value, dict) or not set(value) <= set(PARTS):
            raise wrong
        return {name: _value(where, "float", number) for name, number in value.items()}
    if kind == "list[dict[str, Any]]":
        if not isinstance(value, list) or len(value) > 1000 or not all(isinstance(entry, dict) for entry in value):
            raise wrong
        tried = {"precision": "str", "memory_format": "str", "threads": "int", "ms": "float"}
        return [
            {name: _value(where, type_, entry.get(name)) for name, type_ in tried.items() if name in entry}
            for entry in value
        ]
    if kind.endswith("| None"):
        if value is None:
            return None
        kind = kind.removesuffix("| None").strip()
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise wrong
    if isinstance(value, int | float) and not (value == 0 or LEAST <= value <= MOST):
        raise wrong
    if isinstance(value, int | float) and where.endswith(".time") and value > LATEST:
        raise wrong
    if isinstance(value, str):
        if len(value) > 2000 or (where == "cpu_tuned.mode" and value not in MODES):
            raise wrong
        return shown(value)
    return value


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
        raise ConfigError("it does not say that it is one", _REMEDY)
    if tree["format"] != FORMAT:
        raise ConfigError(
            f"it is of the format {str(tree['format'])[:40]}, and this lab reads {FORMAT}", "Update the lab"
        )
    try:
        events = [event_from(event) for event in tree["events"][: 2 * MOST_CASES]]
        if tree["state"] not in ("finished", "stopped", "failed", "interrupted"):
            raise ConfigError("it does not say how it ended", _REMEDY)
        return {
            "id": slug(_value("id", "str", tree["id"])),
            "created": float(_value("created.time", "float", tree["created"])),
            "plan": Plan.from_dict(tree["plan"]),
            "machine": machine_from(tree["machine"]),
            "measurements": tuple(event for event in events if isinstance(event, Measurement)),
            "tunings": tuple(event for event in events if isinstance(event, CpuTuned)),
            "peaks": tuple(event for event in events if isinstance(event, PeakMeasured)),
            "state": tree["state"],
            "error": _value("error", "str", tree.get("error", "")),
            "remedy": _value("remedy", "str", tree.get("remedy", "")),
            "seconds": float(_value("seconds", "float", tree.get("seconds", 0.0))),
        }
    except LabError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"{error} is missing or of another kind", _REMEDY) from error


def machine_from(tree: Any) -> dict[str, Any]:
    """Texts, numbers, and lists of such dictionaries; anything deeper is no description of a machine.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(tree, dict) or len(tree) > 100:
        raise ConfigError("it does not describe its machine", _REMEDY)
    if not isinstance(tree.get("devices", []), list):
        raise ConfigError("its machine lists no devices", _REMEDY)
    return {
        _plain(name): [_plain_object(each) for each in value] if isinstance(value, list) else _plain(value)
        for name, value in tree.items()
        if not isinstance(value, list) or len(value) <= 100
    }


def _plain_object(tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict) or len(tree) > 100:
        raise ConfigError("its machine is described in an unknown way", _REMEDY)
    return {_plain(name): _plain(value) for name, value in tree.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) < 500:
        return shown(value)
    if value is None or (isinstance(value, (bool, int, float)) and abs(value) <= MOST):
        return value
    raise ConfigError("its machine is described in an unknown way", _REMEDY)


def events_of(report: BenchmarkReport) -> list[Event]:
    """The events that a folder of this report would hold."""
    finished = BenchmarkFinished(state=report.state, error=report.error, remedy=report.remedy, seconds=report.seconds)
    return [*report.peaks, *report.tunings, *report.measurements, finished]
