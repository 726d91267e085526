"""Times in a list of clips: which columns say where a clip begins and ends in its file, in which unit, and what a cell says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from labcore.datasets.columns import canonical, words
from labcore.datasets.labels import is_missing
from labcore.errors import DatasetError

STARTS = words(
    "start starttime begin begintime beginning onset onsettime tmin tstart tbegin timestart timebegin startoffset segmentstart "
    "segmentstarttime clipstart eventstart eventstarttime eventonset labelstart starts from startpos startposition starttimestamp "
    "tstartsec fromtime timefrom selectionstart"
)
ENDS = words(
    "end endtime stop stoptime tmax tend tstop timeend timestop finish finishtime endoffset segmentend segmentendtime clipend eventend "
    "eventendtime eventoffset labelend ends to endpos endposition endtimestamp offsettime totime timeto selectionend"
)
DURATIONS = words(
    "duration dur length len deltatime segmentduration segmentlength clipduration cliplength eventduration eventlength durationtime"
)
ROLES = {
    "start": STARTS,
    "end": ENDS,
    "duration": DURATIONS,
    "offset": ("offset", "offsets"),  # where a clip begins or where it ends: what else is there tells
    "file offset": (
        "fileoffset",
    ),  # Raven's: where a selection begins in its own file, while its begin time counts over all
}

UNITS: dict[str, float] = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("minute", "minutes", "mins"), 60.0),
    **dict.fromkeys(("sample", "samples", "smp"), math.nan),
}
"""Name → seconds; nan for samples, which the rate of the file turns into seconds."""
IN_BRACKETS = UNITS | {"min": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
"""In brackets a unit is beyond doubt; ``start_min`` could be the smallest start."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TIME_WORDS = {*words("start begin beg onset offset end stop tmin tmax starts ends tstart tend")}
_NO_TIMES = words(
    "date day year month hour clock real path file name freq frequency hz khz lat lon id db f dc "
    "utc gmt tz timezone byte bytes line"
)
_POINTS = ("time", "t", "timestamp", "position", "pos", "at")
"""Names of moments: with a unit they are times in a file, without one they may be anything, as the time of day."""
_BRACKETS = re.compile(r"^(.*?)[\s_]*[(\[]\s*([^\W\d]+)\.?\s*[)\]]\s*$")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d*)?)")
_WITH_UNIT = re.compile(r"([-+]?[\d.,]+(?:e[-+]?\d+)?)\s*([a-zµμ]+)", re.IGNORECASE)


@dataclass(frozen=True)
class TimeColumn:
    name: str
    seconds: float = 1.0  # what one of its units lasts; nan for samples


@dataclass(frozen=True)
class SpanColumns:
    """The columns that place a clip in its file, by what they give: start, end, duration, file offset."""

    columns: dict[str, TimeColumn]

    @property
    def told(self) -> dict[str, str]:
        """What → the column that gives it."""
        return {what: column.name for what, column in self.columns.items()}

    def span(self, row: dict[str, str], rate_of: Callable[[], int]) -> tuple[float, float]:
        """Where a row's clip begins and ends in its file, in seconds; nan for the end of the file.

        Args:
            rate_of: gives the sample rate of the row's file in Hz; asked only where times are samples.

        Raises:
            ValueError: with what is wrong, in words.
        """
        of_start, of_end, of_length, of_offset = map(self.columns.get, ("start", "end", "duration", "file offset"))
        if (cell := _cell(row, of_start)) and is_missing(cell):
            raise ValueError(f"the start {cell!r} is not a time")
        start, end, length, at = (_seconds(row, column, rate_of) for column in (of_start, of_end, of_length, of_offset))
        if at is not None and (start is not None or length is not None):
            length = end - start if start is not None and end is not None else length
            start, end = at, None
        if end is None and length is not None:
            if length <= 0:
                raise ValueError(f"the duration {_cell(row, of_length)!r} is not more than zero")
            end = (start or 0.0) + length
        elif start is None and end is not None and length is not None:
            start = end - length
        start = start or 0.0
        if not 0 <= start < math.inf:
            raise ValueError(f"the start {cell!r} is not a time in seconds from 0 on")
        if end is not None and end <= start:
            raise ValueError(f"the end {_cell(row, of_end)!r} is not after the start {cell or '0'!r}")
        return start, math.nan if end is None or math.isinf(end) else end


def time_columns(
    header: Sequence[str], cells: Callable[[str], Iterable[str]], taken: Iterable[str], where: str
) -> SpanColumns:
    """The columns of times in a header.

    Args:
        cells: gives the cells of a column.
        taken: columns that are read as something else.
        where: the name of the list, for errors.

    Raises:
        DatasetError: a column looks like a time and cannot be understood.
    """
    found: dict[str, TimeColumn] = {}
    strange: list[str] = []
    for name in header:
        if name in taken:
            continue
        base, seconds = _base_and_unit(name)
        role = _role(base)
        numeric = _numeric(cells(name))
        if role and seconds is not None and numeric is not False:
            found.setdefault(role, TimeColumn(name, seconds))
        elif _looks_like_a_time(name, base, role, bool(numeric)):
            strange.append(name)
    if strange:
        raise DatasetError(
            f"the column {strange[0]} of {where} looks like a time, but it is not clear which and in what unit",
            "Name it start, end or duration with its unit, such as start_s or end_ms; or remove it",
        )
    return _with_offset(found, where)


def _with_offset(found: dict[str, TimeColumn], where: str) -> SpanColumns:
    """What an ``offset`` means: a start beside a duration, an end beside an onset."""
    start, end, duration = found.get("start"), found.get("end"), found.get("duration")
    offset = found.get("offset")
    alone = end is None and duration is None
    if offset is not None and start is None and not alone:
        start = offset
    elif offset is not None and start is not None and alone and "onset" in canonical(start.name):
        end = offset
    elif offset is not None and alone:
        raise DatasetError(
            f"the column {offset.name} of {where} can be the start or the end of a clip",
            "Name it start or end",
        )
    at = found.get("file offset") if start is not None or duration is not None else None
    placed = start is not None or end is not None or at is not None
    known = {"start": start, "end": end, "duration": duration if placed else None, "file offset": at}
    return SpanColumns({what: column for what, column in known.items() if column is not None})


def _role(base: str) -> str:
    return next((role for role, names in ROLES.items() if base in names), "")


def _base_and_unit(name: str) -> tuple[str, float | None]:
    """The name of a column without its unit, and what the unit lasts in seconds; None for one that is not known."""
    if bracketed := _BRACKETS.match(name):
        return canonical(bracketed[1]), IN_BRACKETS.get(bracketed[2].casefold())
    whole = canonical(name)
    if _role(whole):
        return whole, 1.0
    for unit in sorted(UNITS, key=len, reverse=True):
        if unit and whole.endswith(unit) and _role(rest := whole.removesuffix(unit).removesuffix("in")):
            return rest, UNITS[unit]
    return whole, None


def _looks_like_a_time(name: str, base: str, role: str, numeric: bool) -> bool:
    words_in = {word.casefold() for word in _WORDS.findall(name)}
    if role in ("start", "end", "offset"):
        return numeric or base not in ("from", "to")
    unit = bool(_BRACKETS.match(name)) or any(base == point + unit for point in _POINTS for unit in UNITS if unit)
    named = bool(words_in & _TIME_WORDS) or (base.startswith(_POINTS) and unit)
    return numeric and named and words_in.isdisjoint(_NO_TIMES)


def _numeric(cells: Iterable[str]) -> bool | None:
    """Whether what stands in a column are figures: most of the first cells that are not empty. None where all are."""
    there = [cell for cell in list(cells)[:200] if not is_missing(cell)]
    return sum(parsed(cell) is not None for cell in there) > 0.5 * len(there) if there else None


def _cell(row: dict[str, str], column: TimeColumn | None) -> str:
    return row.get(column.name, "") if column else ""


def _seconds(row: dict[str, str], column: TimeColumn | None, rate_of: Callable[[], int]) -> float | None:
    """A cell in seconds; None for an empty one."""
    cell = _cell(row, column)
    if column is None or is_missing(cell):
        return None
    value = parsed(cell)
    if value is None or math.isnan(value[0]):
        raise ValueError(f"{cell!r} in the column {column.name} is not a time")
    figure, unit = value
    unit = column.seconds if unit is None else unit
    return figure / rate_of() if math.isnan(unit) else figure * unit


def parsed(cell: str) -> tuple[float, float | None] | None:
    """A figure and the seconds of the unit beside it (None without); a clock's h:mm:ss are seconds. A decimal comma is understood."""
    cell = cell.strip()
    if clock := _CLOCK.fullmatch(cell):
        hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in clock.groups())
        return 3600 * hours + 60 * minutes + seconds, 1.0
    unit = None
    if (with_unit := _WITH_UNIT.fullmatch(cell)) and with_unit[2].casefold() in IN_BRACKETS:
        cell, unit = with_unit[1], IN_BRACKETS[with_unit[2].casefold()]
    try:
        return float(cell.replace(",", ".")), unit
    except ValueError:
        return None
