"""The two consoles of the command line, made when they are first used: stdout for results, stderr for messages.

A terminal gets colour, unless NO_COLOR is set, and bars as wide as it is. Results are whole lines, which a terminal wraps. Pipes and files
get no control codes.
"""

from __future__ import annotations

import contextlib
import sys
from functools import cache
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console

UNLIMITED = 1_000_000
"""Columns: more than any line has."""


class _Stderr:
    """Stderr as a file. What cannot be written is lost: nobody reads there, and the work goes on."""

    @property
    def encoding(self) -> str:
        return encoding_of(sys.stderr)

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()


def encoding_of(stream: TextIO | None) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def is_terminal(stream: TextIO | None) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stream is not None and stream.isatty()
    return False


@cache
def console(where: Literal["stdout", "stderr", "file"]) -> Console:
    """The console of stdout or stderr, or one whose lines go into a file. Each takes texts as they are: no markup, no emoji codes."""
    from rich.console import Console

    class Plain(Console):
        def show_cursor(self, show: bool = True) -> bool:
            return False  # the cursor stays: a process that is killed could not bring it back

    terminal = where != "file" and is_terminal(getattr(sys, where))
    return Plain(
        file=_Stderr() if where == "stderr" else None,  # type: ignore[arg-type]  # rich writes, flushes and asks for the encoding
        force_terminal=terminal,
        force_jupyter=False,
        width=None if terminal and where == "stderr" else UNLIMITED,
        markup=False,
        emoji=False,
        highlight=False,
    )
