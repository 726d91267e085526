"""CSV that a spreadsheet opens: what begins like a formula is written as text, and read back as it was.

A program for tables takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, which may run a program or send other cells
away. Names of files and classes come from anywhere. So the lab writes such a text with an apostrophe before it, and its own reader of lists
takes one away. Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Literal

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")  # with apostrophes, so that what begins with them comes back too
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guarded(cell: Any) -> Any:
    """A cell as it is written: a text that begins like a formula with an apostrophe before it, all else as it is."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unguarded(cell: str) -> str:
    """The text that :func:`guarded` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _quoting(cells: Iterable[Any]) -> Literal[0, 1]:
    """All cells are quoted where one holds a carriage return: Python (to 3.12) leaves it bare, readers begin a row there, and what stands
    behind it may be a formula."""
    return csv.QUOTE_ALL if any(isinstance(cell, str) and "\r" in cell for cell in cells) else csv.QUOTE_MINIMAL


class Sheet:
    """Writes rows, the head, which names the columns in their order, at once."""

    def __init__(self, file: IO[str], columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self._writers = {
            quoting: csv.writer(file, lineterminator="\n", quoting=quoting)
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        }
        self.row(self.columns)

    def row(self, cells: Iterable[Any]) -> None:
        """A row by its cells in the order of the columns."""
        written = [guarded(cell) for cell in cells]
        self._writers[_quoting(written)].writerow(written)

    def rows(self, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Rows by their cells, or by the names of their columns: a cell that such a row lacks stays empty, and what is no column is left
        out."""
        for row in rows:
            self.row((row.get(name, "") for name in self.columns) if isinstance(row, Mapping) else row)


def csv_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> str:
    """A table as CSV, its rows as :meth:`Sheet.rows` takes them."""
    text = io.StringIO()
    Sheet(text, columns).rows(rows)
    return text.getvalue()


def csv_of_frame(frame: Any) -> str:
    """A table of pandas as CSV, without its index."""
    written = frame.copy()
    for column in written.select_dtypes(exclude="number"):
        written[column] = written[column].map(guarded)
    written.columns = [guarded(str(column)) for column in written.columns]
    texts = written.select_dtypes(exclude="number")
    return written.to_csv(index=False, quoting=_quoting([*written.columns, *texts.to_numpy().flat]))
