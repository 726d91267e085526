"""The confusion matrix, as a picture and in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from labcore.texts import shown
from ui.app.text import label_names
from ui.charts.colours import INKS, dark, ink_on, shade, shares
from ui.charts.curves import category, measure
from ui.charts.pressing import PRESSED, presses


def confusion(
    table: dict[str, dict[str, int]], *, key: str, normalised: bool = False, on_press: Callable[[], None] | None = None
) -> None:
    """The confusion matrix: rows are what the clips are, columns what was predicted; colours are shares of a row.

    Args:
        normalised: the cells tell these shares, in place of the numbers of clips.
        on_press: called when a cell is pressed or let go; :func:`ui.charts.pressing.pressed` tells its ``true`` and ``predicted``.

    In Vega-Lite, which draws the curves of the same page: for this one picture Plotly would be 1.4 MB more to load.
    """
    import pandas as pd

    named = label_names(table)
    labels = list(named.values())
    few = len(labels) <= 20
    band = {"sort": None, "scale": {"domain": labels, "paddingInner": 0.06}}
    axis = {"ticks": False, "domain": False, "labelOverlap": not few}
    place = {
        "y": category("true", title="true", axis=axis, **band),
        "x": category("predicted", title="predicted", axis={**axis, "labelAngle": -45}, **band),
    }
    tooltip = [
        category("true", title="True"),
        category("predicted", title="Predicted"),
        measure("clips", "Clips"),
        measure("share", "Share of the row", format=".0%"),
    ]
    shade_of_share = measure("share", "share", scale={"domain": [0, 1], "range": shares()}, legend=None)
    square: dict[str, Any] = {
        "mark": {"type": "rect", "stroke": None, "cornerRadius": 2},
        "encoding": {"color": shade_of_share, "tooltip": tooltip},
    }
    press: dict[str, Any] = {}
    if on_press is not None:
        square |= {"params": [presses(["true", "predicted"])]}
        square["mark"] |= {"cursor": "pointer"}
        chosen = {"param": PRESSED, "empty": False, "value": 3}
        square["encoding"] |= {"stroke": {"value": INKS[dark()]}, "strokeWidth": {"condition": chosen, "value": 0}}
        press = {"on_select": on_press, "selection_mode": PRESSED}
    number_of = measure("share", "share", format=".0%") if normalised else measure("clips", "clips")
    ink = category("ink", scale={"domain": INKS, "range": INKS}, legend=None)
    number = {
        "mark": {"type": "text", "fontSize": 12},
        # where squares are pressed, a number without a tooltip lets the press through to the square below
        "encoding": {"text": number_of, "color": ink, **({} if press else {"tooltip": tooltip})},
    }
    empty = {"view": {"fill": shares()[0], "stroke": None}}
    spec = {"encoding": place, "layer": [square, number] if few else [square], "config": empty}
    frame = pd.DataFrame(_cells(table, named), columns=["true", "predicted", "clips", "share", "ink"])
    height = max(300, (34 if few else 24) * len(labels) + 120)
    st.vega_lite_chart(frame, spec, key=key, height=height, width="stretch", alt=confusion_in_words(table), **press)


def _cells(table: dict[str, dict[str, int]], named: dict[str, str]) -> list[dict[str, object]]:
    """The cells that are not empty, each with its share of the row and an ink that can be read on its colour."""
    return [
        {
            "true": named[row],
            "predicted": named.get(column, column),
            "clips": count,
            "share": (share := count / max(1, sum(counts.values()))),
            "ink": ink_on(shade(shares(), share)),
        }
        for row, counts in table.items()
        for column, count in counts.items()
        if count
    ]


def confusion_in_words(table: dict[str, dict[str, int]]) -> str:
    """A confusion matrix for who cannot see it: how many clips are right, and the most frequent confusions."""
    clips = sum(sum(counts.values()) for counts in table.values())
    right = sum(counts.get(label, 0) for label, counts in table.items())
    wrong = sorted(
        (
            (count, row, column)
            for row, counts in table.items()
            for column, count in counts.items()
            if count and row != column
        ),
        key=lambda cell: -cell[0],
    )
    told = f"Confusion matrix of the held-out clips: {right} of {clips} right"
    if not wrong:
        return f"{told}."
    named = ", ".join(f"{shown(row)} predicted as {shown(column)} ({count})" for count, row, column in wrong[:5])
    return f"{told}. Most frequent confusions: {named}."
