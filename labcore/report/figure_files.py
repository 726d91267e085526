"""Figures of a report as files of their own: SVG with its colours and its legend inside, on white, for a text or a talk."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from labcore.report import svg
from labcore.report.blocks import Chart, Diagram, Matrix

STYLE = Path(__file__).with_name("page.css")
FONT = "font-family: Helvetica, Arial, sans-serif;"
LINE, LETTER = 20, 7.2
"""Height of a line of the legend and mean width of its letters, in pixels."""
CELL = 26
"""Side of a cell of a confusion matrix of few classes."""
DARKEST = 0.65
"""So much of a colour a cell of a share of 1 has: the number on it can be read."""


def figure_file(block: Chart | Diagram | Matrix) -> str:
    """A figure as a whole SVG file; "" where there is nothing to draw."""
    if isinstance(block, Matrix):
        return _file(*_matrix(block))
    if isinstance(block, Diagram):
        return _outside(svg.reliability(block.reliability))
    return _outside(svg.chart(block), _legend(block))


@cache
def colours() -> dict[str, str]:
    """Colours of the light page by their names in page.css."""
    return dict(re.findall(r"--([\w-]+): ([^;]+);", STYLE.read_text(encoding="utf-8").partition("}")[0]))


@cache
def style() -> str:
    """The rules of page.css that charts follow, with their colours: many programs know no variables."""
    rules = re.findall(
        r"^\.(?:chart text|grid|line|c\d|d\d|ideal|whisker|dot)\b.*$", STYLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return re.sub(r"var\(--([\w-]+)\)", lambda name: colours()[name[1]], f"text {{ {FONT} }} {' '.join(rules)}")


def _outside(element: str, legend: tuple[str, int] = ("", 0)) -> str:
    """A figure of a page as a file, with what stands below it there."""
    if not element:
        return ""
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', element)[0])
    below, more = legend
    inside = element.partition(">")[2].removesuffix("</svg>")
    return _file(f'{inside}<g transform="translate(0 {height})">{below}</g>', width, height + more)


def _file(inside: str, width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><style>{style()}</style><rect width="100%" height="100%" fill="#fff"/>{inside}</svg>\n'
    )


def _legend(block: Chart) -> tuple[str, int]:
    """Its lines as far as the width goes, then a line further down; and how high it is."""
    parts, x, row = [], float(svg.LEFT), 1
    for number, line in enumerate(block.series):
        needed = 44 + LETTER * len(line.name)
        if x > svg.LEFT and x + needed > svg.WIDTH:
            x, row = float(svg.LEFT), row + 1
        y = row * LINE
        parts.append(f'<path class="{svg.look(line, number)}" d="M{x:.0f} {y - 4}h26"/>')
        parts.append(f'<text x="{x + 32:.0f}" y="{y}">{svg.text(line.name)}</text>')
        x += needed
    return "".join(parts), row * LINE + 10


def _matrix(block: Matrix) -> tuple[str, float, float]:
    """Counts on cells whose colour is their share of the row, with the names of both sides; its width and height."""
    classes = len(block.labels)
    side = CELL if classes <= 25 else 18
    size = side * 0.42
    beside = 40 + size * 0.62 * max(map(len, block.labels), default=0)
    parts = [
        svg.upright("True class", 16, beside + side * classes / 2),
        f'<text x="{beside + side * classes / 2:.1f}" y="18" text-anchor="middle">Predicted class</text>',
    ]
    small = f'style="font-size: {size:.1f}px"'
    for row, true in enumerate(block.labels):
        at = beside + side * row
        middle = at + side / 2 + size * 0.36
        parts.append(f'<text {small} x="{beside - 6:.1f}" y="{middle:.1f}" text-anchor="end">{svg.text(true)}</text>')
        parts.append(
            f"<g {small}>{svg.upright(true, middle, beside - 6, 'start')}</g>".replace("<text ", f"<text {small} ")
        )
        counts = block.counts.get(true, {})
        for column, predicted in enumerate(block.labels):
            clips, x = counts.get(predicted, 0), beside + side * column
            shade = _mixed("accent" if row == column else "wrong", clips / max(1, sum(counts.values())))
            parts.append(
                f'<rect x="{x:.1f}" y="{at:.1f}" width="{side}" height="{side}" fill="{shade}" stroke="{colours()["rule"]}"/>'
            )
            if clips:
                style_of = f'style="font-size: {size:.1f}px; fill: {colours()["ink"]}"'
                parts.append(
                    f'<text {style_of} x="{x + side / 2:.1f}" y="{middle:.1f}" text-anchor="middle">{clips}</text>'
                )
    whole = beside + side * classes + 12
    return "".join(parts), whole, whole


def _mixed(colour: str, share: float) -> str:
    """A colour of the page on white, the more the larger the share."""
    digits = colours()[colour].removeprefix("#")
    part = DARKEST * share
    mixed = (round(255 + (int(digits[at : at + 2], 16) - 255) * part) for at in (0, 2, 4))
    return "#" + "".join(f"{value:02x}" for value in mixed)
