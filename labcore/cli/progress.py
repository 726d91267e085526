"""Lines on stderr that are drawn over, below those that stay."""

from __future__ import annotations

import contextlib
import shutil
import sys

from labcore.texts import printable


class Progress:
    """A few lines at the bottom of the terminal. Where stderr is none, only what is noted is written."""

    def __init__(self) -> None:
        self._drawn: list[str] = []
        self._height = 0

    def draw(self, lines: list[str]) -> None:
        """Show these lines in place of those drawn before."""
        if lines == self._drawn:
            return
        self.clear()
        with contextlib.suppress(OSError, ValueError):
            if sys.stderr.isatty():
                size = shutil.get_terminal_size()
                shown = [printable(line)[: size.columns - 1] for line in lines[-(size.lines - 2) :]]
                print("\n".join(shown), file=sys.stderr, flush=True)
                self._drawn = lines
                self._height = len(shown)

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self.clear()
        with contextlib.suppress(OSError, ValueError):
            print(printable(line), file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the drawn lines away."""
        with contextlib.suppress(OSError, ValueError):
            if self._drawn:
                print(f"\033[{self._height}F\033[J", end="", file=sys.stderr, flush=True)
        self._drawn = []
