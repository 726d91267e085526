"""A table of whole lines in a terminal, a pipe or a file: a thousand rows in a few hundredths of a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FIGURES = set("0123456789.:/-% ")
STATES = {"running": "cyan", "queued": "yellow", "finished": "green", "failed": "red", "unreadable": "red"}
"""Colours of states in tables."""
GAP = "  "


@dataclass(frozen=True)
class Table:
    """Head and cells, as they can be shown where the table goes."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self, painted: Callable[[str, str], str]) -> list[str]:
        """The lines, the head first. Columns of figures stand right.

        Args:
            painted: a text in a style of rich's.
        """
        columns = list(zip(self.head, *self.rows, strict=True)) if self.head else []
        widths = [max(map(cells, column)) for column in columns]
        right = [len(column) > 1 and all(set(cell) <= FIGURES for cell in column[1:]) for column in columns]

        def line(texts: Sequence[str], style: Callable[[int, str], str]) -> str:
            parts = []
            for number, text in enumerate(texts):
                room = " " * (widths[number] - cells(text))
                shown = painted(text, wanted) if (wanted := style(number, text)) else text
                parts.append(room + shown if right[number] else shown + room)
            return GAP.join(parts).rstrip()

        state = self.head.index("state") if "state" in self.head else -1
        return [
            line(self.head, lambda number, text: "bold"),
            *(line(row, lambda number, text: STATES.get(text, "") if number == state else "") for row in self.rows),
        ]


def cells(text: str) -> int:
    """So many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def made(head: Sequence[str], rows: Sequence[Sequence[object]], shown: Callable[[str], str]) -> Table:
    """A table of anything; None is a dash. ``shown`` is a text as it can be printed."""
    texts = (tuple("-" if cell is None else shown(" ".join(str(cell).split("\n"))) for cell in row) for row in rows)
    return Table(tuple(map(shown, head)), tuple(texts))
