"""Bars at the bottom of the terminal while work goes on. Where stderr is no terminal, none are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labcore.cli.console import console
from labcore.texts import counted, printable

if TYPE_CHECKING:
    from rich.live import Live

REDRAW_SECONDS = 0.1
EVERY_SECONDS = 10.0
"""How often a line of progress is printed where stderr is no terminal."""

Report = Callable[[int, int], None]
"""Takes how much is done, and of how much."""


@dataclass(frozen=True)
class Bar:
    """How far something is.

    Attributes:
        total: 0 where it is not known; the bar then moves to and fro.
        detail: what stands behind the bar.
    """

    what: str
    done: float = 0
    total: float = 0
    detail: str = ""


class Bars:
    """The bars that are drawn now. Lines that are printed meanwhile stand above them.

    They are drawn when they are told to and at most ten times a second, not by a thread: it would disturb what is timed.
    """

    def __init__(self) -> None:
        self._live: Live | None = None
        self._names: list[str] = []
        self._shown = 0.0

    def show(self, *bars: Bar) -> None:
        """Draw these bars in place of those before."""
        screen, names, now = console("stderr"), [bar.what for bar in bars], time.monotonic()
        if not screen.is_terminal or (names == self._names and now - self._shown < REDRAW_SECONDS):
            return
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Column, Table

        grid = Table.grid(*(Column(no_wrap=True) for _ in range(3)), padding=(0, 2, 0, 0))
        for bar in bars:
            shown = ProgressBar(bar.total or None, bar.done, width=20, pulse=not bar.total)
            grid.add_row(printable(bar.what, screen.encoding), shown, printable(bar.detail, screen.encoding))
        if self._live is None:
            self._live = Live(
                console=screen, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(grid, refresh=True)
        self._names, self._shown = names, now

    def clear(self) -> None:
        """Take the bars away."""
        if self._live is not None:
            self._live.stop()
            self._live, self._names = None, []


bars = Bars()


def counting(what: str, unit: str = "clip") -> Report:
    """A progress function that draws a bar until all is done."""

    def report(done: int, total: int) -> None:
        if done < total:
            bars.show(Bar(what, done, total, f"{done}/{counted(total, unit)}"))
        else:
            bars.clear()

    return report


def scanning(what: str) -> Report:
    """A progress function for work that first looks through folders, when the total is 0, and then goes through files."""
    count = counting(what, "file")

    def report(done: int, total: int) -> None:
        if total:
            count(done, total)
        else:
            bars.show(Bar("looking through folders", detail=f"{counted(done, 'file')}; Ctrl-C stops it"))

    return report


class Pace:
    """Tells how far long work is: a bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._logged = time.monotonic()

    def __call__(self, bar: Bar) -> None:
        bars.show(bar)
        now = time.monotonic()
        if not console("stderr").is_terminal and now - self._logged >= EVERY_SECONDS:
            self._logged = now
            self._say(bar.detail)
