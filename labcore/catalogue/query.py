"""What of the list of runs is looked at, and in which order."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labcore.catalogue.rows import Row
from labcore.errors import ConfigError
from labcore.owners import is_anothers
from labcore.texts import closest, natural_key

COLUMNS: dict[str, Callable[[Row], Any]] = {
    "time": lambda row: row.when,
    "name": lambda row: row.name.casefold(),
    "state": lambda row: row.state,
    "data": lambda row: row.dataset.casefold(),
    "fold": lambda row: natural_key(row.fold),
    "network": lambda row: row.network.casefold(),
    "accuracy": lambda row: row.accuracy,
    "map": lambda row: row.mean_ap,
    "duration": lambda row: row.seconds or None,
    "device": lambda row: row.device,
    "by": lambda row: row.by.casefold(),
    "size": lambda row: row.size,
    "star": lambda row: row.about.star,
}
"""What the list can be sorted by, and filtered: name → value of a row."""
FIRST_HIGH = ("time", "accuracy", "map", "duration", "size", "star")
"""Of these the highest comes first unless something else is asked for."""
TEXTS: dict[str, Callable[[Row], str]] = {
    "name": lambda row: row.name,
    "state": lambda row: row.state,
    "data": lambda row: row.dataset,
    "fold": lambda row: row.fold,
    "network": lambda row: row.network,
    "device": lambda row: row.device,
    "by": lambda row: row.by,
    "id": lambda row: row.id,
    "note": lambda row: row.about.note,
}
NUMBERS: dict[str, Callable[[Row], float | None]] = {
    "accuracy": lambda row: row.accuracy,
    "map": lambda row: row.mean_ap,
    "duration": lambda row: row.seconds or None,
    "size": lambda row: float(row.size),
    "epochs": lambda row: float(row.epochs),
}
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
STATES = ("queued", "running", "stopping", "finished", "stopped", "failed", "interrupted", "unreadable")
HOW = f"Write as data=esc10 or accuracy>=0.8; there are {', '.join([*TEXTS, *NUMBERS])}"


@dataclass(frozen=True)
class Query:
    """What is asked of the list: all of it has to hold.

    Attributes:
        words: each word stands somewhere in name, id, data set, network, owner, tags or note, in upper or lower case.
        filters: as :func:`condition` reads them.
        tags: all of them.
        states: one of them; all where none is given.
        datasets: one of them; all where none is given.
        star: those with a star only.
        archived: those that are archived only; without it those that are not.
        mine: whose runs, theirs and those without an owner; "" for everybody's.
        sort: a name of :data:`COLUMNS`, with a minus for the other way round.
    """

    words: str = ""
    filters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    star: bool = False
    archived: bool = False
    mine: str = ""
    sort: str = "time"


def select(rows: Iterable[Row], query: Query) -> list[Row]:
    """The rows that a query asks for, sorted. Of a row that does not hold itself the parts that do are left, and it with them.

    Raises:
        ConfigError: a condition or a column that there is not.
    """
    holds = _conditions(query)
    found: list[Row] = []
    for row in rows:
        if row.about.archived and not query.archived:
            continue
        parts = [part for part in row.children if part.about.archived in (query.archived, row.about.archived)]
        if holds(row) and row.about.archived == query.archived:
            found.append(replace(row, children=_sorted(parts, query.sort, parts=True)))
        elif matching := [
            part for part in parts if holds(part) and (row.about.archived or part.about.archived) == query.archived
        ]:
            found.append(replace(row, children=_sorted(matching, query.sort, parts=True)))
    return list(_sorted(found, query.sort))


def condition(text: str) -> Callable[[Row], bool]:
    """Whether a row holds what ``data=esc10``, ``state!=failed`` or ``accuracy>=0.8`` says. Of texts, a part is enough for ``=``.

    Raises:
        ConfigError: it says nothing that can be asked.
    """
    match = re.fullmatch(r"\s*([a-z]+)\s*(>=|<=|!=|>|<|=)\s*(.*?)\s*", text)
    if match is None or match[1] not in TEXTS | NUMBERS:
        raise ConfigError(f"{text!r} is no filter", HOW)
    name, sign, value = match.groups()
    if name in TEXTS:
        if sign not in ("=", "!="):
            raise ConfigError(f"{name} is a text: {text!r} cannot be compared", HOW)
        wanted, read = value.casefold(), TEXTS[name]
        if name == "state" and not any(wanted in state for state in STATES):
            raise ConfigError(f"there is no state {value!r}{closest(wanted, STATES)}", f"There are {', '.join(STATES)}")
        exact = name == "fold"
        return lambda row: (
            ((wanted == read(row).casefold()) if exact else (wanted in read(row).casefold())) == (sign == "=")
        )
    try:
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise ConfigError(f"{value!r} in {text!r} is no number", HOW) from None
    figure, compare = NUMBERS[name], SIGNS[sign]
    return lambda row: (known := figure(row)) is not None and compare(known, number)


def _conditions(query: Query) -> Callable[[Row], bool]:
    """Whether a row holds all that is asked."""
    tests = [condition(text) for text in query.filters]
    words, tags = query.words.casefold().split(), {tag.casefold() for tag in query.tags}

    def holds(row: Row) -> bool:
        return (
            (not query.star or row.about.star)
            and (not query.states or row.state in query.states)
            and (not query.datasets or row.dataset in query.datasets)
            and not (query.mine and is_anothers(row.by, query.mine))
            and tags <= {tag.casefold() for tag in row.about.tags}
            and all(test(row) for test in tests)
            and (not words or _holds_words(row, words))
        )

    return holds


def _holds_words(row: Row, words: Sequence[str]) -> bool:
    texts = (row.name, row.id, row.dataset, row.network, row.by, row.state, row.part, row.about.note, *row.about.tags)
    whole = "\n".join(texts).casefold()
    return all(word in whole for word in words)


def _sorted(rows: Sequence[Row], by: str, *, parts: bool = False) -> tuple[Row, ...]:
    """Rows in the order that is asked for; those that have no such value come last. Parts keep their own order where that is by time."""
    name = by.removeprefix("-")
    if name not in COLUMNS:
        raise ConfigError(f"the list cannot be sorted by {name!r}", f"Choose one of {', '.join(COLUMNS)}")
    if parts and name == "time":
        return tuple(rows)
    value = COLUMNS[name]
    there = [row for row in rows if value(row) not in (None, "", [])]
    missing = [row for row in rows if value(row) in (None, "", [])]
    return (*sorted(there, key=value, reverse=(name in FIRST_HIGH) != by.startswith("-")), *missing)
