"""The confusion matrix, as a picture and in words."""

from __future__ import annotations

import streamlit as st

from labcore.texts import shown
from ui.app.text import label_names
from ui.charts.colours import INKS, ink_on, shade, shares
from ui.charts.curves import category, measure


def confusion(table: dict[str, dict[str, int]], *, key: str, normalised: bool = False) -> None:
    """The confusion matrix: rows are what the clips are, columns what was predicted; colours are shares of a row.

    Args:
        normalised: the cells tell these shares, in place of the numbers of clips.

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
    square = {
        "mark": {"type": "rect", "stroke": None, "cornerRadius": 2},
        "encoding": {"color": shade_of_share, "tooltip": tooltip},
    }
    number_of = measure("share", "share", format=".0%") if normalised else measure("clips", "clips")
    ink = category("ink", scale={"domain": INKS, "range": INKS}, legend=None)
    number = {
        "mark": {"type": "text", "fontSize": 12},
        "encoding": {"text": number_of, "color": ink, "tooltip": tooltip},
    }
    empty = {"view": {"fill": shares()[0], "stroke": None}}
    spec = {"encoding": place, "layer": [square, number] if few else [square], "config": empty}
    frame = pd.DataFrame(_cells(table, named), columns=["true", "predicted", "clips", "share", "ink"])
    height = max(300, (34 if few else 24) * len(labels) + 120)
    st.vega_lite_chart(frame, spec, key=key, height=height, width="stretch", alt=confusion_in_words(table))


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


def confusion_in_words(table: dict[str, dict[str, int]], most: int = 5) -> str:
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
    named = ", ".join(f"{shown(row)} predicted as {shown(column)} ({count})" for count, row, column in wrong[:most])
    return f"{told}. Most frequent confusions: {named}."
