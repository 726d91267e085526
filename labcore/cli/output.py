"""What the command line prints: results on stdout, everything for people on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO, Union

from labcore.cli.console import console, encoding_of, is_terminal
from labcore.cli.progress import bars
from labcore.cli.table import Table, made
from labcore.errors import LabError, WorkspaceError
from labcore.jobs.listing import Unreadable
from labcore.outputs import output_path, write_output
from labcore.texts import json_line, printable

if TYPE_CHECKING:
    from rich.text import Text

    from labcore.workspace import Workspace

Content = Union[str, Table, "Text"]

DONE, FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
"""Exit statuses."""

LISTED = 20
"""Lines of a kind that are told each by itself."""


def emit(*content: Content) -> None:
    """Lines and tables of the result, on stdout at once; what stdout cannot encode, or a terminal would obey, is escaped.

    Raises:
        BrokenPipeError: nobody reads it any more.
        WorkspaceError: it cannot be written otherwise, as to a file on a full disk.
    """
    bars.clear()
    try:
        for each in content:
            print(rendered(each), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        mute_stdout()
        what = f"stdout cannot be written: {error.strerror or error}"
        raise WorkspaceError(what, "Free some space, or send the output elsewhere") from error


def emit_json(content: Any) -> None:
    """A result as one line of JSON on stdout."""
    emit(json_line(content, encoding_of(sys.stdout)))


def emit_csv(text: str, place: str, what: str) -> int:
    """A table as CSV: on stdout for ``-``, else in a file, of which it is told ``what`` was written. Returns the exit status.

    Raises:
        ConfigError, WorkspaceError: the file cannot be written.
    """
    if place == "-":
        emit(text.removesuffix("\n"))
    else:
        write_output(output_path(place), text)
        say(f"{what} written to {place}")
    return DONE


class JsonLines:
    """Lines of JSON on stdout, where they are wanted; a reader that goes away, or a full disk, does not end the work that they tell of."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def put(self, content: Any) -> None:
        if self.wanted:
            try:
                emit_json(content)
            except BrokenPipeError:
                self.wanted = False
                mute_stdout()
            except WorkspaceError as error:
                self.wanted = False
                complain(error)


def say(line: str, style: str = "") -> None:
    """A line for people, on stderr, above the bars. One that cannot be written is lost: nobody reads there."""
    console("stderr").print(styled(line, style, sys.stderr), soft_wrap=True)


def complain(error: LabError) -> None:
    """An error, in one line on stderr."""
    bars.clear()
    say(f"labcore: {one_line(error)}", "red")


def one_line(error: LabError) -> str:
    return " ".join(str(error).split())


def say_some(kind: str, lines: Sequence[str], where: str = "") -> None:
    """Lines of one kind, as ``bad: …``; of many the first ones, and where the others are found."""
    for line in lines[:LISTED]:
        say(f"{kind}: {line}")
    if len(lines) > LISTED:
        say(f"and {len(lines) - LISTED} more{f'; {where}' if where else ''}")


def mute_stdout() -> None:
    """Send what is still to be printed nowhere, so that Python does not stumble over a closed pipe at its exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def plain(text: str, stream: TextIO | None = None) -> str:
    """A text as a stream can show it, stdout where none is given."""
    return printable(text, encoding_of(stream or sys.stdout))


def styled(text: str, style: str = "", stream: TextIO | None = None) -> Text:
    """A text in a style of rich's, as ``red``, where the stream is a terminal."""
    from rich.text import Text

    return Text(plain(text, stream), style)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table of whole lines. Figures stand right; None is shown as a dash."""
    return made(head, rows, plain)


def facts_lines(facts: Mapping[str, object]) -> list[str]:
    """Facts by their names, one a line; those that are empty are left out."""
    return [f"{name:9} {value}" for name, value in facts.items() if value]


def rendered(content: Content, where: Literal["stdout", "file"] = "stdout") -> str:
    """The lines of a table or a styled text, as stdout or a file takes them."""
    if isinstance(content, str):
        return plain(content)
    if isinstance(content, Table):
        coloured = where == "stdout" and is_terminal(sys.stdout)
        return "\n".join(content.lines(_painted if coloured else lambda text, style: text))
    return _captured(content, where)


@cache
def _painted(text: str, style: str) -> str:
    """A word in a style, as the terminal takes it."""
    return _captured(styled(text, style), "stdout")


def _captured(content: Text, where: Literal["stdout", "file"]) -> str:
    screen = console(where)
    with screen.capture() as captured:
        screen.print(content, soft_wrap=True)
    return "\n".join(line.rstrip() for line in captured.get().removesuffix("\n").split("\n"))


def confirmed(question: str) -> bool | None:
    """The answer to a question at the terminal; None where there is none to ask at."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def tell(facts: Mapping[str, Any], *content: Content, as_json: bool) -> int:
    """A result: its facts as a line of JSON, or for people. Returns the exit status of work that is done."""
    if as_json:
        emit_json(facts)
    else:
        emit(*content)
    return DONE


def tell_list(
    facts: Iterable[dict[str, Any]],
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    broken: Iterable[Unreadable] = (),
    key: str = "id",
    *,
    none: str,
    as_json: bool,
) -> int:
    """A list: its lines of JSON, or the table of its rows; then what it leaves out because it cannot be read, each with the reason.

    Args:
        key: what the name of such a thing is called in JSON.
        none: what is said where there are no rows.
    """
    if as_json:
        for each in facts:
            emit_json(each)
    elif rows:
        emit(table(head, rows))
    else:
        say(none)
    for thing in broken:
        unread = {key: thing.name, "state": "unreadable", "error": f"cannot be read: {thing.why}"}
        tell(unread, " ".join(str(thing).split("\n")), as_json=as_json)
    return DONE


def nothing_yet(workspace: Workspace, things: str, command: str = "") -> str:
    """What is said where a list is empty, and where it was looked: with another LABCORE_HOME there may be some.

    Args:
        command: makes one, without ``labcore``.
    """
    return f"there are no {things} yet in {workspace.home}" + (f"; `labcore {command}` makes one" if command else "")


def percent(share: float | None) -> str:
    """A share of 1 as ``87.5 %``; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Seconds as ``4:07`` or ``1:04:07``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
