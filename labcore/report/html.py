"""A report as one HTML file: style and charts inside, no script, nothing from a network. Texts from outside are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labcore.report import svg
from labcore.report.blocks import (
    Block,
    Cell,
    Chart,
    Code,
    Diagram,
    Facts,
    Matrix,
    Paragraph,
    Report,
    Section,
    Share,
    Table,
)  # fmt: skip
from labcore.report.svg import text

STYLE = Path(__file__).with_name("page.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load for the file: nothing. A script that got into it would not run."""
_FIGURE = re.compile(r"–|[−+-]?\d[\d.,: ]*(( ?%| ?s| ?MB| ?Wh| min| h)( .*)?)?")
"""A cell that stands right, as all of its column are."""


def written(report: Report) -> str:
    """The whole file."""
    links = "".join(
        f'<li><a href="#s{number}">{text(part.title)}</a></li>' for number, part in enumerate(report.sections)
    )
    lead = "\n".join(map(_block, report.lead))
    sections = "\n".join(_section(part, number) for number, part in enumerate(report.sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(report.title)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{text(report.title)}</h1>
<p class="made">{text(report.made)}</p>
</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main>
{lead}
{sections}
</main>
</body>
</html>
"""


def _section(part: Section, number: int) -> str:
    blocks = "\n".join(map(_block, part.blocks))
    return f'<section aria-labelledby="s{number}">\n<h2 id="s{number}">{text(part.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    writers: dict[type, Callable[[Any], str]] = {
        Paragraph: _paragraph,
        Table: _table,
        Facts: _facts,
        Matrix: _matrix,
        Chart: _chart,
        Diagram: _diagram,
        Code: lambda code: f"<pre><code>{text(code.text)}</code></pre>",
    }
    return writers[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    told = text(block.text).replace(" %", "&nbsp;%")  # no line begins with the sign
    return f'<p class="{block.tone or "plain"}">{told}</p>'


def _facts(block: Facts) -> str:
    rows = "".join(f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>' for name, value in block.told)
    return f'<table class="facts"><caption>{text(block.caption)}</caption><tbody>{rows}</tbody></table>'


def _table(block: Table) -> str:
    columns = list(zip(*block.rows, strict=True)) or [() for _ in block.head]
    looks = [_look(column, number in block.code, first=not number) for number, column in enumerate(columns)]
    head = "".join(f'<th scope="col"{look}>{text(name)}</th>' for name, look in zip(block.head, looks, strict=True))
    rows = "".join(f"<tr>{''.join(_cells(row, looks))}</tr>" for row in block.rows)
    table = _wide(
        block.caption,
        f"<table><caption>{text(block.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
    )
    return f"<details><summary>{text(block.caption)}</summary>{table}</details>" if block.folded else table


def _look(column: tuple[Cell, ...], code: bool, *, first: bool) -> str:
    figures = all(isinstance(cell, Share) or _FIGURE.fullmatch(cell) for cell in column)
    if code or first:
        return ' class="code"' if code else ""
    return ' class="figure"' if figures else ""


def _cells(row: Any, looks: list[str]) -> list[str]:
    first, *rest = (_cell(cell) for cell in row)
    return [
        f'<th scope="row"{looks[0]}>{first}</th>',
        *(f"<td{look}>{cell}</td>" for cell, look in zip(rest, looks[1:], strict=True)),
    ]


def _cell(cell: Cell) -> str:
    """A text, or a figure with its bar: of a difference from the middle to the left or the right."""
    if not isinstance(cell, Share):
        return text(cell)
    size = min(1.0, abs(cell.value))
    if not cell.difference:
        place = f"left:0;width:{100 * size:.1f}%"
    else:
        place = f"left:{50 if cell.value > 0 else 50 - 50 * size:.1f}%;width:{50 * size:.1f}%"
    look = "bar" if not cell.difference else f"bar middle {'less' if cell.value < 0 else 'more'}"
    return f'<span class="{look}" aria-hidden="true"><i style="{place}"></i></span><span>{text(cell.text)}</span>'


def _matrix(block: Matrix) -> str:
    head = "".join(f'<th scope="col"><span>{text(label)}</span></th>' for label in block.labels)
    rows = []
    for true in block.labels:
        row = block.counts.get(true, {})
        whole = sum(row.values())
        cells = (_shaded(row.get(predicted, 0), whole, true == predicted) for predicted in block.labels)
        rows.append(f'<tr><th scope="row">{text(true)}</th>{"".join(cells)}</tr>')
    size = "small" if len(block.labels) > 25 else "medium" if len(block.labels) > 12 else ""
    table = (
        f'<table class="matrix {size}"><caption>{text(block.caption)}</caption><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return _wide(block.caption, table)


def _shaded(clips: int, whole: int, right: bool) -> str:
    if not clips:
        return '<td class="right"></td>' if right else "<td></td>"
    share = clips / whole
    return f'<td class="{"right" if right else "wrong"}" style="--share:{share:.2f}">{clips:,}</td>'


def _chart(block: Chart) -> str:
    element = svg.chart(block)
    if not element:
        return f'<p class="remark">{text(block.title)}: there is no number to draw.</p>'
    return f"<figure><figcaption>{text(block.title)}</figcaption>{element}{svg.legend(block)}{_values(block.table())}</figure>"


def _diagram(block: Diagram) -> str:
    element = svg.reliability(block.reliability)
    told = "The line is a network that is as sure as it is right. A dot is as large as it has clips; its line is the 95 % interval."
    return (
        f"<figure><figcaption>{text(block.caption)}</figcaption>{element}"
        f'<p class="remark">{told}</p>{_values(block.table())}</figure>'
    )


def _values(table: Table) -> str:
    return f"<details><summary>Values</summary>{_table(table)}</details>"


def _wide(name: str, table: str) -> str:
    """A table that scrolls by itself where it is wider than the page, by keyboard too."""
    return f'<div class="wide" role="region" aria-label="{text(name)}" tabindex="0">{table}</div>'
