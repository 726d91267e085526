"""Praat's TextGrid, in its long and its short form: tiers of intervals and of points, each with its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from labcore.datasets.columns import SYNONYMS, canonical
from labcore.datasets.timed.labels import Damage, TimedFile, TimedLabel
from labcore.datasets.timed.table import no_column
from labcore.datasets.timed.text import AnnotationText
from labcore.errors import DatasetError

NAME = "textgrid"
INTERVALS = "IntervalTier"
_NUMBERS = re.compile(r"^[^\S\n]*(item|intervals|points)\s*\[\d*\]\s*:?", re.MULTILINE)
"""In the long form a figure in brackets counts intervals, and says nothing."""
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?P<flag><[a-z]+>)|(?<![^\s=])(?P<figure>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?=\s|$)'
)
"""What counts in both forms: texts in quotes, flags in angles, and figures that stand free; all else says what they are."""


@dataclass
class Tier:
    """``rows``: number, start, end and text of each interval or point."""

    name: str
    rows: list[tuple[int, float, float, str]] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)


def looks(text: AnnotationText) -> bool:
    begin = text.text[:400]
    return "ooTextFile" in begin and "TextGrid" in begin


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels from the tier that is named as one of labels, else from the first that has any.

    Args:
        column: the name of the tier.

    Raises:
        DatasetError: it ends too early, or has no such tier.
    """
    try:
        tiers = list(_tiers(text))
    except ValueError as error:
        raise DatasetError(
            f"{text.path} is not a whole TextGrid: {error}",
            "Save it again in Praat",
        ) from error
    full = [tier for tier in tiers if any(row[3] for row in tier.rows)]
    if column is not None:
        chosen = next((tier for tier in tiers if canonical(tier.name) == canonical(column)), None)
        if chosen is None:
            raise no_column(text, column, [tier.name for tier in tiers])
    else:
        named = [tier for tier in full if canonical(tier.name) in SYNONYMS["label"]]
        chosen = next(iter([*named, *full, *tiers]), Tier(""))
    labels = [TimedLabel(start, end, label, number) for number, start, end, label in chosen.rows if label]
    others = tuple(tier.name for tier in full if tier is not chosen)
    return TimedFile(text.path, NAME, labels, chosen.damaged, column=chosen.name, others=others)


def _tiers(text: AnnotationText) -> Iterator[Tier]:
    tokens = _Tokens(text.text)
    tokens.text(), tokens.text()  # ooTextFile, TextGrid
    tokens.figure(), tokens.figure()  # the whole of it
    if tokens.flag() != "<exists>":
        return
    for _ in range(int(tokens.figure())):
        kind, tier = tokens.text(), Tier(tokens.text())
        tokens.figure(), tokens.figure()
        for _ in range(int(tokens.figure())):
            start = tokens.figure()
            end = tokens.figure() if kind == INTERVALS else start
            tier.rows.append((tokens.line, start, end, tokens.text().strip()))
        yield tier


class _Tokens:
    """The texts, flags and figures of a TextGrid, one after the other.

    Raises:
        ValueError: another kind of token comes, or none, with its line.
    """

    def __init__(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        self._text = _NUMBERS.sub("", lines)
        self._found = _TOKEN.finditer(self._text)
        self._at = 0
        self.line = 1

    def _next(self, kind: str) -> str:
        match = next(self._found, None)
        if match is None:
            raise ValueError("it ends too early")
        self.line += self._text.count("\n", self._at, match.start())
        self._at = match.start()
        value = match[kind]
        if value is None:
            raise ValueError(f"{match[0][:40]!r} in line {self.line} is not a {kind}")
        return value

    def text(self) -> str:
        return self._next("text").replace('""', '"')

    def flag(self) -> str:
        return self._next("flag")

    def figure(self) -> float:
        return float(self._next("figure"))
