"""Recall over false alarms an hour, with the point that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from labcore.alarms.choice import Point
from labcore.inference.thresholds import threshold_words
from ui.app.text import percent
from ui.charts.colours import accents
from ui.charts.curves import PADDING, category, measure

COLUMNS = ["rate", "recall", "threshold", "chosen"]


def recall_over_alarms(points: Sequence[Point], chosen: Point) -> None:
    """The curve of what can be had, and the point of the thresholds at hand. The axis of alarms is logarithmic beyond 1 an hour."""
    import pandas as pd

    told = [
        {**vars(each), "threshold": "" if each.threshold is None else threshold_words(each.threshold), "chosen": mark}
        for each, mark in [*((point, False) for point in points), (chosen, True)]
    ]
    top = max((each.rate for each in (*points, chosen)), default=1.0)
    x = measure(
        "rate", "False alarms an hour", scale={"type": "symlog", "constant": 1, "domainMin": 0},
        axis={"values": _ticks(top), "format": ",.3~r"},
    )  # fmt: skip
    y = measure("recall", "Recall", axis={"format": "%", "tickCount": 5}, scale={"domain": [0, 1]})
    tooltip = [measure("rate", "alarms an hour", format=".3~g"), measure("recall", "recall", format=".1%")]
    if chosen.threshold is not None:
        tooltip.append(category("threshold", title="threshold"))
    place: dict[str, Any] = {"x": x, "y": y}
    strong, _ = accents()
    point = {"type": "point", "filled": True, "size": 160, "color": strong, "opacity": 1}
    layers = [
        {
            "transform": [{"filter": "!datum.chosen"}],
            "mark": {"type": "line", "point": True, "color": strong, "strokeWidth": 1.6, "interpolate": "step-after"},
            "encoding": {**place, "tooltip": tooltip},
        },
        {
            "transform": [{"filter": "datum.chosen"}],
            "mark": {"type": "rule", "strokeDash": [4, 4], "color": strong},
            "encoding": {"x": x},
        },
        {"transform": [{"filter": "datum.chosen"}], "mark": point, "encoding": {**place, "tooltip": tooltip}},
    ]
    alt = f"Recall over false alarms an hour: {percent(chosen.recall)} at {chosen.rate:.3g} an hour"
    spec = {"padding": PADDING, "layer": layers}
    st.vega_lite_chart(
        pd.DataFrame(told, columns=COLUMNS), spec, height=300, width="stretch", key="alarms-curve", alt=alt
    )


def _ticks(top: float) -> list[float]:
    every = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
    return [each for each in every if each <= max(top, 1.0)]
