"""The text of a file of annotations: decoded, as lines, as the rows of a table, as JSON."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labcore.datasets.columns import canonical
from labcore.datasets.csvtext import LINE_END, SEPARATORS, decode_text
from labcore.datasets.labels import is_missing
from labcore.datasets.scan import open_regular
from labcore.datasets.spans import parsed
from labcore.errors import DatasetError
from labcore.reading import DamagedError, parse_json
from labcore.sheets import unguarded

LARGEST = 256 * 1024**2
"""Bytes; a larger file is none of annotations."""
HEAD = 16 * 1024
"""So many bytes tell which format it is."""


@dataclass(frozen=True)
class AnnotationText:
    """A file of annotations. ``text`` is all of it, or the beginning."""

    path: Path
    text: str

    @classmethod
    def of(cls, path: Path, most: int | None = None) -> AnnotationText:
        """Read a file, or its first bytes.

        Raises:
            DatasetError: it cannot be read, or is too large.
        """
        with DatasetError.on_os_error(f"{path} cannot be read", "Check its permissions"), open_regular(path) as file:
            content = file.read((LARGEST if most is None else most) + 1)
        if most is None and len(content) > LARGEST:
            what = f"{path} is too large for a file of annotations (more than {LARGEST / 1e6:.0f} MB)"
            raise DatasetError(what, "Split it into several files")
        content = content[:most]
        if most is not None and len(content) == most:
            content = content[: max(content.rfind(b"\n"), most // 2) & ~1]  # no half character of UTF-16
        return cls(path, decode_text(content).removeprefix("\ufeff"))

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """The lines that are not blank, each with its number from 1."""
        return [(number, line) for number, line in enumerate(LINE_END.split(self.text), 1) if line.strip("\0 \t\v\f")]

    @cached_property
    def separator(self) -> str:
        """What parts the cells of the first line; "" where it has but one."""
        first = self.lines[0][1] if self.lines else ""
        if "\t" in first.strip():
            return "\t"
        return max(SEPARATORS, key=first.count) if any(mark in first for mark in SEPARATORS) else ""

    @cached_property
    def cells(self) -> list[tuple[int, list[str]]]:
        """The lines as rows of cells without blanks around them, each with the number of its line."""
        if self.separator in ("", "\t"):
            return [(number, [_bare(cell) for cell in line.split("\t")]) for number, line in self.lines]
        return [(number, self._parted(line)) for number, line in self.lines]

    def _parted(self, line: str) -> list[str]:
        """A line by itself: a quote that does not close harms no other."""
        row = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True))
        return [unguarded(cell.strip()) for cell in row]

    @cached_property
    def header(self) -> list[str]:
        """The cells of the first line."""
        return self.cells[0][1] if self.cells else []

    @cached_property
    def names(self) -> frozenset[str]:
        """The cells of the first line without blanks, marks and case."""
        return frozenset(map(canonical, self.header))

    @cached_property
    def json(self) -> Any:
        """The content as JSON.

        Raises:
            DatasetError: it is none, with what is wrong.
        """
        try:
            return parse_json(self.text)
        except DamagedError as error:
            raise DatasetError(
                f"{self.path} is not whole: {error.what}", "Export it again from the program that made it"
            ) from error


def seconds_in(cell: str, column: str = "") -> float:
    """A time in seconds, as ``3.5``, ``3,5``, ``0:03.5`` or ``3500 ms``.

    Raises:
        ValueError: it is none, in words.
    """
    if (plain := _plain_figure(cell)) is not None:
        return plain
    found = None if is_missing(cell) else parsed(cell)
    if found is None or not abs(found[0]) < float("inf"):
        where = f" in the column {column}" if column else ""
        raise ValueError(f"{cell!r}{where} is not a time" if cell.strip() else f"there is no time{where}")
    return found[0] * (found[1] or 1.0)


def figure_in(cell: str) -> float:
    """A figure, nan for a cell that holds none."""
    if (plain := _plain_figure(cell)) is not None:
        return plain
    found = None if is_missing(cell) else parsed(cell)
    return float("nan") if found is None else found[0]


def _plain_figure(cell: str) -> float | None:
    """What most cells hold, in a fraction of the time: a finite figure with a point; None for anything else."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _bare(cell: str) -> str:
    """A cell of a table of tabs without blanks, and without quotes where they are around all of it."""
    cell = cell.strip()
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"').strip() if quoted else cell
