"""A report as Markdown with tables, as GitHub and others read it. Texts from outside are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from labcore.report.blocks import Block, Cell, Chart, Code, Diagram, Facts, Matrix, Paragraph, Report, Share, Table
from labcore.texts import printable

_MARKS = re.compile(r"([\\`*_\[\]<>|#~&$])")
_LINKS = re.compile(r"(?i)\b(https?|ftp|mailto|www)(?=[:.])")
"""What becomes a link by itself."""
_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
"""What makes a list, or a heading, at the start of a line."""


def written(report: Report) -> str:
    """The whole file."""
    parts = [f"# {_inline(report.title)}", *map(_block, report.lead)]
    for section in report.sections:
        parts += [f"## {_inline(section.title)}", *map(_block, section.blocks)]
    parts.append(_inline(report.made))
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    writers: dict[type, Callable[[Any], str]] = {
        Paragraph: _paragraph,
        Table: _captioned,
        Facts: lambda facts: _rows([facts.caption, ""], facts.told),
        Matrix: _matrix,
        Chart: lambda chart: _captioned(chart.table()),
        Diagram: lambda diagram: _captioned(diagram.table()),
        Code: _code,
    }
    return writers[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    text = _START.sub(r"\\\1", _inline(block.text))
    return f"**{text}**" if block.tone == "result" else f"> {text}" if block.tone == "warning" else text


def _captioned(block: Table) -> str:
    return f"{_inline(block.caption)}:\n\n{_rows(block.head, block.rows)}"


def _matrix(block: Matrix) -> str:
    rows = [
        [true, *(f"{block.counts.get(true, {}).get(label) or ''}" for label in block.labels)] for true in block.labels
    ]
    return f"{_inline(block.caption)}:\n\n{_rows(['', *block.labels], rows)}"


def _rows(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [list(map(_cell, head)), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    return _inline(cell.text if isinstance(cell, Share) else cell)


def _code(block: Code) -> str:
    text = printable(block.text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def _inline(text: str) -> str:
    """A text on one line that shows as it is, whatever it holds."""
    return _LINKS.sub(r"\1\\", _MARKS.sub(r"\\\1", " ".join(printable(text).split())))
