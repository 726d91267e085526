"""How many mistakes each class is part of, and how many at each confidence: bars that can be pressed, in Vega-Lite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.charts.colours import accents
from ui.charts.curves import PADDING, category, measure
from ui.charts.pressing import OTHERS_FADE, PRESSED, presses

if TYPE_CHECKING:
    import pandas as pd

MISSED, TAKEN = "missed", "predicted by mistake"
RIGHT, WRONG = "right", "wrong"
_RED = "#d1605e"


def by_class(table: pd.DataFrame, names: dict[str, str], *, key: str, on_press: Callable[[], None]) -> None:
    """Mistakes of each class, from :func:`labcore.evaluation.mistakes.by_class`; pressed: ``class`` and ``mistakes``."""
    import pandas as pd

    rows = [
        (names[label], kind, count)
        for label, missed, taken in table.itertuples(index=False)
        for kind, count in ((MISSED, missed), (TAKEN, taken))
        if count
    ]
    order = [names[label] for label in table["label"]]
    spec = {
        "padding": PADDING,
        "params": [presses(["class", "mistakes"])],
        "mark": {"type": "bar", "cursor": "pointer", "cornerRadiusEnd": 2},
        "encoding": {
            "y": category("class", title=None, sort=None, scale={"domain": order}),
            "yOffset": category("mistakes", sort=[MISSED, TAKEN]),
            "x": measure("clips", "Clips", axis={"tickMinStep": 1}),
            "color": category(
                "mistakes",
                title=None,
                legend={"orient": "top"},
                scale={"domain": [MISSED, TAKEN], "range": [_RED, accents()[0]]},
            ),
            "opacity": OTHERS_FADE,
            "tooltip": [
                category("class", title="Class"),
                category("mistakes", title="Mistakes"),
                measure("clips", "Clips"),
            ],
        },
    }
    worst = max(rows, key=lambda row: row[2], default=None)
    alt = f"Mistakes by class; most: {worst[0]}, {worst[1]} {worst[2]}" if worst else "Mistakes by class: none"
    _chart(pd.DataFrame(rows, columns=["class", "mistakes", "clips"]), spec, key, 34 * len(order) + 70, alt, on_press)


def by_confidence(table: pd.DataFrame, *, key: str, on_press: Callable[[], None]) -> None:
    """Clips right and wrong at each probability, from :func:`labcore.evaluation.mistakes.by_confidence`; pressed: ``low``, ``high``."""
    import pandas as pd

    rows = [
        (low, high, kind, count)
        for low, high, right, wrong in table.itertuples(index=False)
        for kind, count in ((WRONG, wrong), (RIGHT, right))
        if count
    ]
    spec = {
        "padding": PADDING,
        "params": [presses(["low", "high"])],
        "mark": {"type": "bar", "cursor": "pointer"},
        "encoding": {
            "x": measure("low", "Probability of the prediction", bin="binned", axis={"format": "%"}, scale={"domain": [0, 1]}),
            "x2": {"field": "high"},
            "y": measure("clips", "Clips", axis={"tickMinStep": 1}),
            "order": category("clips are", sort="descending"),
            "color": category(
                "clips are", title=None, legend={"orient": "top"}, scale={"domain": [WRONG, RIGHT], "range": [_RED, accents()[1]]}
            ),
            "opacity": OTHERS_FADE,
            "tooltip": [
                measure("low", "From", format=".0%"), measure("high", "To", format=".0%"),
                category("clips are", title="Clips are"), measure("clips", "Clips"),
            ],
        },
    }  # fmt: skip
    alt = (
        f"Clips by probability of the prediction: {int(table['wrong'].sum())} wrong, {int(table['right'].sum())} right"
    )
    _chart(pd.DataFrame(rows, columns=["low", "high", "clips are", "clips"]), spec, key, 300, alt, on_press)


def _chart(
    frame: pd.DataFrame, spec: dict[str, Any], key: str, height: int, alt: str, on_press: Callable[[], None]
) -> None:
    st.vega_lite_chart(
        frame, spec, key=key, height=height, width="stretch", alt=alt, on_select=on_press, selection_mode=PRESSED
    )
