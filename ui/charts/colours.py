"""Colour maps of spectrograms, as a few stops that the browser mixes between: the first one wherever nobody chose."""

from __future__ import annotations

from functools import cache

STOPS = 33
DIVERGING = ["#2f5aa8", "#86a6d8", "#f4f1ea", "#e89b84", "#b2352b"]
"""Less, the same, more."""


def names() -> list[str]:
    from labcore.explore.render import COLOURS

    return list(COLOURS)


@cache
def colours(name: str | None = None) -> list[str]:
    """The stops of a map by name, as ``#rrggbb``; of the first one where there is none of that name."""
    from labcore.explore.render import colour_map

    name = name if name in names() else names()[0]
    table = colour_map(name)
    picked = [table[round(number * (len(table) - 1) / (STOPS - 1))] for number in range(STOPS)]
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in picked]
