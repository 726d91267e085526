"""What a report consists of, whatever it is written as. All texts are as they are: who writes them escapes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from labcore.evaluation.calibration import Reliability
from labcore.evaluation.metrics import Confusion
from labcore.texts import percent

MOST_ROWS = 12
"""Points of a chart that its table tells."""


@dataclass(frozen=True)
class Paragraph:
    """Sentences. ``tone`` is how they are meant: the result of a comparison, a warning, or a remark."""

    text: str
    tone: Literal["", "result", "warning", "remark"] = ""


@dataclass(frozen=True)
class Share:
    """A cell that is drawn as a bar too, of a length from 0 to 1, or from -1 to 1 for a difference."""

    value: float
    text: str
    difference: bool = False


Cell = str | Share


@dataclass(frozen=True)
class Table:
    """A table; the first column names its rows. ``code`` tells which columns hold names of files and settings. One that is ``folded`` is
    there for whoever looks for it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    code: frozenset[int] = frozenset()
    folded: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and what they are, a row each; those without a value are left out."""

    caption: str
    rows: Sequence[tuple[str, str]]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.rows if value]


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix with the classes in an order."""

    caption: str
    labels: Sequence[str]
    counts: Confusion


@dataclass(frozen=True)
class Series:
    """A line of a chart: x and y of each point. One of many alike is ``weak``."""

    name: str
    points: Sequence[tuple[float, float]]
    weak: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over one axis; ``y`` and ``x`` are what the axes tell. ``share``: y goes from 0 to 1."""

    y: str
    x: str
    series: Sequence[Series]
    share: bool = False

    @property
    def title(self) -> str:
        return f"{self.y} by {self.x[:1].lower()}{self.x[1:]}"

    def table(self) -> Table:
        """The same as figures, some of the points where there are many."""
        places = sorted({x for line in self.series for x, _ in line.points})
        if len(places) > MOST_ROWS:
            last = len(places) - 1
            places = [places[round(number * last / (MOST_ROWS - 1))] for number in range(MOST_ROWS)]
        values = [dict(line.points) for line in self.series]
        rows = [[f"{x:g}", *(self.told(known[x]) if x in known else "–" for known in values)] for x in places]
        return Table(self.title, [self.x, *(line.name for line in self.series)], rows)

    def told(self, value: float) -> str:
        return percent(value) if self.share else f"{value:.4g}"


@dataclass(frozen=True)
class Diagram:
    """A reliability diagram."""

    caption: str
    reliability: Reliability

    def table(self) -> Table:
        """Its bins."""
        rows = [
            [
                f"{100 * each.start:.0f} to {100 * each.end:.0f} %",
                f"{each.clips:,}",
                percent(each.confidence),
                percent(each.accuracy),
            ]
            for each in self.reliability.bins
        ]
        return Table(self.caption, ["Confidence", "Clips", "Mean confidence", "Accuracy"], rows)


@dataclass(frozen=True)
class Code:
    """A command line."""

    text: str


Block = Paragraph | Table | Facts | Matrix | Chart | Diagram | Code


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report: ``lead`` is what it says in short, ``made`` when and by what version, ``stem`` the name of its file without an ending."""

    stem: str
    title: str
    lead: Sequence[Block]
    sections: Sequence[Section]
    made: str
