"""Colours of charts: maps of spectrograms, as a few stops that the browser mixes between, and the scale of shares."""

from __future__ import annotations

from functools import cache

import numpy as np
import streamlit as st

STOPS = 33
INKS = ["#000000", "#ffffff"]
DIVERGING = ["#2f5aa8", "#86a6d8", "#f4f1ea", "#e89b84", "#b2352b"]
"""Less, the same, more."""
KINDS = ["#2f6fb0", "#c2570c", "#2c8a4b", "#b3323f", "#7a54a8", "#8a5a3c", "#b84f93", "#5f6b1e", "#0e7f8c", "#8a7400"]
"""Of kinds of things, on any ground and beneath white letters."""


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


def dark() -> bool:
    """Whether the visitor looks at the dark theme."""
    return st.context.theme.type == "dark"


def accents() -> tuple[str, str]:
    """The colour of the page, strong and weak."""
    return ("#4FC3B5", "#2C4A4C") if dark() else ("#0B7A75", "#B9D3CE")


def shares() -> list[str]:
    """The scale of shares from 0 to 1, evenly: from the ground of the page to its accent."""
    return ["#1a2428", "#186c6c", "#52b1a3", "#d3f0e6"] if dark() else ["#f3f0e9", "#bfdcd6", "#50a39c", "#075854"]


def shade(scale: list[str], share: float) -> tuple[float, float, float]:
    """The colour of a share on a scale: red, green and blue from 0 to 1."""
    stops = np.linspace(0, 1, len(scale))
    parts = [[int(colour[at : at + 2], 16) / 255 for colour in scale] for at in (1, 3, 5)]
    red, green, blue = (float(np.interp(share, stops, part)) for part in parts)
    return red, green, blue


def ink_on(colour: tuple[float, float, float]) -> str:
    """Black or white, whichever can be read better on a colour; its contrast is 4.5 at least."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return INKS[0] if np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.179 else INKS[1]
