"""Charts of a report as SVG. Colours are classes of the page (page.css), so that they follow its theme. Texts are escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from labcore.evaluation.calibration import Reliability
from labcore.report.blocks import Chart, Series
from labcore.texts import percent, printable

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 74, 22, 12, 44
COLOURS = 6
"""Colours of lines; with the dashes they make lines that can be told apart without colours too."""


class Axis:
    """Values along a stretch of the chart, with ticks at round numbers."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high if high > low else low + 1.0, start, end

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 6, *, whole: bool = False) -> list[float]:
        """At most so many and one, at multiples of 1, 2 or 5."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * 0.999)
        step = max(1.0, step) if whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def chart(block: Chart) -> str:
    """Lines; what is no number is left out."""
    series = [Series(line.name, _numbers(line), line.weak) for line in block.series]
    points = [point for line in series for point in line.points]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    up = Axis(0.0 if block.share or min(ys) >= 0 else min(ys), 1.0 if block.share else max(ys), HEIGHT - BOTTOM, TOP)
    parts = [
        *_grid(across, up, (block.x, block.y), share=block.share, whole=all(x == int(x) for x in xs)),
        *(_line(line, number, across, up) for number, line in reversed(list(enumerate(series)))),
    ]
    told = ", ".join(
        f"{line.name} from {block.told(line.points[0][1])} to {block.told(line.points[-1][1])}"
        for line in series
        if line.points and not line.weak
    )
    return _element(parts, f"{block.title}: {told}")


def legend(block: Chart) -> str:
    """What its lines stand for, below it."""
    items = "".join(
        f'<li><svg width="28" height="10" aria-hidden="true"><path class="{look(line, number)}" d="M1 5H27"/></svg> {text(line.name)}</li>'
        for number, line in enumerate(block.series)
    )
    return f'<ul class="legend">{items}</ul>'


def reliability(found: Reliability) -> str:
    """Accuracy over confidence with intervals; a dot is as large as it has clips."""
    size = 340
    across, up = Axis(0, 1, LEFT, size - RIGHT), Axis(0, 1, size - BOTTOM, TOP)
    most = max(each.clips for each in found.bins)
    parts = _grid(across, up, ("Confidence", "Accuracy"), share=True, percent_across=True)
    parts.append(f'<path class="ideal" d="M{across.at(0)} {up.at(0)}L{across.at(1):.1f} {up.at(1):.1f}"/>')
    for each in found.bins:
        x, y = across.at(each.confidence), up.at(each.accuracy)
        parts.append(f'<path class="whisker" d="M{x:.1f} {up.at(each.low):.1f}V{up.at(each.high):.1f}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{3 + 4 * math.sqrt(each.clips / most):.1f}"/>')
    told = "Reliability diagram: accuracy over confidence; on the diagonal they are equal"
    return _element(parts, told, size, size)


def text(content: object) -> str:
    """A text from outside such that HTML shows it as it is, whatever it holds."""
    return escape(printable(content))


def _numbers(line: Series) -> list[tuple[float, float]]:
    return [(x, y) for x, y in line.points if math.isfinite(x) and math.isfinite(y)]


def _element(parts: Sequence[str], told: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" aria-label="{text(told)}">'
        f"{''.join(parts)}</svg>"
    )


def _grid(
    across: Axis, up: Axis, names: tuple[str, str], *, share: bool, whole: bool = False, percent_across: bool = False
) -> list[str]:
    """Lines at the ticks with what they stand for, and the names of both axes."""
    parts = []
    for value in up.ticks(5):
        y = up.at(value)
        parts.append(f'<path class="grid" d="M{across.start} {y:.1f}H{across.end}"/>')
        parts.append(f'<text x="{across.start - 7}" y="{y + 4:.1f}" text-anchor="end">{_tick(value, share)}</text>')
    for value in across.ticks(5 if percent_across else 8, whole=whole):
        x = across.at(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {up.start}v5"/>')
        place = f'x="{x:.1f}" y="{up.start + 19}" text-anchor="middle"'
        parts.append(f"<text {place}>{_tick(value, percent_across)}</text>")
    middle = (across.start + across.end) / 2
    parts.append(f'<text x="{middle:.1f}" y="{up.start + 38}" text-anchor="middle">{text(names[0])}</text>')
    return [*parts, upright(names[1], 14, (up.start + up.end) / 2)]


def upright(name: str, x: float, y: float, anchor: str = "middle") -> str:
    """A text that is read from below."""
    return f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)" text-anchor="{anchor}">{text(name)}</text>'


def _tick(value: float, share: bool) -> str:
    return percent(value, 0) if share else f"{value:g}"


def _line(line: Series, number: int, across: Axis, up: Axis) -> str:
    places = [f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in line.points]
    if not places:
        return ""
    if len(places) == 1:
        x, y = places[0].split()
        return f'<circle class="{look(line, number)} single" cx="{x}" cy="{y}" r="3"/>'
    return f'<path class="{look(line, number)}" d="M{"L".join(places)}"/>'


def look(line: Series, number: int) -> str:
    return f"line {'weak' if line.weak else ''} c{number % COLOURS} d{number % 4 if not line.weak else 0}"
