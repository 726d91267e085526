"""What the command line prints: results on stdout, everything for people on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from labcore.jobs.listing import Unreadable
from labcore.texts import counted, json_line, printable

DONE, FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
"""Exit statuses."""

LISTED = 20
"""Lines of a kind that are told each by itself."""
EVERY_SECONDS = 10.0
"""How often a line of progress is said where stderr is no terminal."""

FIGURES = set("0123456789.:/-% ")


def emit(line: str) -> None:
    """A line of the result, on stdout at once; what stdout cannot encode, or a terminal would obey, is escaped.

    Raises:
        BrokenPipeError: nobody reads it any more.
    """
    print(printable(line, _encoding(sys.stdout)), flush=True)


def emit_json(content: Any) -> None:
    """A result as one line of JSON on stdout."""
    emit(json_line(content, _encoding(sys.stdout)))


class JsonLines:
    """Lines of JSON on stdout, where they are wanted; a reader that goes away does not end the work that they tell of."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def put(self, content: Any) -> None:
        if self.wanted:
            try:
                emit_json(content)
            except OSError:
                self.wanted = False
                mute_stdout()


def say(line: str) -> None:
    """A line for people, on stderr. One that cannot be written is lost: nobody reads there."""
    live("")
    with contextlib.suppress(OSError, ValueError):
        print(printable(line, _encoding(sys.stderr)), file=sys.stderr, flush=True)


def say_some(kind: str, lines: Sequence[str], where: str = "") -> None:
    """Lines of one kind, as ``bad: …``; of many the first ones, and where the others are found."""
    for line in lines[:LISTED]:
        say(f"{kind}: {line}")
    if len(lines) > LISTED:
        say(f"and {len(lines) - LISTED} more{f'; {where}' if where else ''}")


def live(line: str) -> None:
    """A line that the next one overwrites. Only where stderr is a terminal; "" clears it."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{printable(line, _encoding(sys.stderr))[:width]}", end="", file=sys.stderr, flush=True)


class Progress:
    """A live line on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, line: str) -> None:
        live(line)
        now = time.monotonic()
        if not sys.stderr.isatty() and now - self._said >= EVERY_SECONDS:
            self._said = now
            say(line)


def _encoding(stream: TextIO) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def live_count(what: str, unit: str = "clips") -> Any:
    """A progress function (done, total) that keeps a live line up to date."""

    def report(done: int, total: int) -> None:
        live(f"{what}  {done}/{counted(total, unit.removesuffix('s'))}" if done < total else "")

    return report


def live_look(what: str) -> Any:
    """A progress function (done, total) for work that first looks through folders, when the total is 0, and then goes through files."""
    count = live_count(what, "files")

    def report(done: int, total: int) -> None:
        if total:
            count(done, total)
        else:
            live(f"looking through folders  {counted(done, 'file')}; Ctrl-C stops it")

    return report


def mute_stdout() -> None:
    """Send what is still to be printed nowhere, so that Python does not stumble over a closed pipe at its exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: columns of texts left-aligned, of figures right-aligned."""
    rows = [
        [" ".join(printable(cell).split("\n")) for cell in row] for row in rows
    ]  # a row is one line, whatever is in it
    columns = list(zip(head, *rows, strict=True)) if rows else [(name,) for name in head]
    widths = [max(map(len, column)) for column in columns]
    right = [len(column) > 1 and all(set(cell) <= FIGURES for cell in column[1:]) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [f"{c:>{w}}" if r else f"{c:<{w}}" for c, w, r in zip(cells, widths, right, strict=True)]
        return "  ".join(padded).rstrip()

    return [line(head), *map(line, rows)]


def tell_unreadable(things: Iterable[Unreadable], key: str, *, as_json: bool) -> None:
    """What a list leaves out because it cannot be read, each with the reason: lines below it, or lines of JSON.

    Args:
        key: what the name is called in JSON, as ``run_id``.
    """
    for thing in things:
        if as_json:
            emit_json({key: thing.name, "state": "unreadable", "error": f"cannot be read: {thing.why}"})
        else:
            emit(" ".join(str(thing).split("\n")))


def tell_list(
    facts: Iterable[dict[str, Any]],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    broken: Iterable[Unreadable],
    key: str,
    *,
    none: str = "",
    as_json: bool,
) -> int:
    """A list: its lines of JSON, or the table of its rows; then what it leaves out, as :func:`tell_unreadable` does.

    Args:
        none: what is said where there are no rows.
    """
    if as_json:
        for each in facts:
            emit_json(each)
    else:
        for line in table(head, rows):
            emit(line)
        if none and not rows:
            say(none)
    tell_unreadable(broken, key, as_json=as_json)
    return DONE


def percent(share: float | None) -> str:
    """A share of 1 as ``87.5 %``; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Seconds as ``4:07`` or ``1:04:07``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
