"""Accuracy by training recordings per class: a line a classifier, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.charts.curves import PADDING, category, measure

if TYPE_CHECKING:
    import pandas as pd


def curve(points: pd.DataFrame, key: str) -> None:
    """The learning curve. Recordings are on a logarithmic axis, where each doubling is as wide.

    Args:
        points: a row a size and classifier: ``recordings``, ``classifier``, ``accuracy``, ``low``, ``high``, ``clips``, ``samples``.
    """
    names = list(dict.fromkeys(points["classifier"]))
    counts = sorted(set(points["recordings"]))
    axis = {"grid": False, "values": [round(each, 1) for each in counts], "format": "~g"}
    scale = {"type": "log", "base": 2, "domain": [counts[0] / 1.15, counts[-1] * 1.15], "nice": False}
    x = measure("recordings", "Training recordings per class", scale=scale, axis=axis)
    percent: dict[str, Any] = {"axis": {"format": "%", "tickCount": 5}, "scale": {"domain": [0, 1]}}
    colour = category(
        "classifier",
        scale={"domain": names},
        legend={"title": None, "orient": "bottom", "columns": 1, "labelLimit": 360},
    )
    tooltip = [
        category("classifier", title="Classifier"),
        measure("recordings", "Recordings per class", format=".3~g"),
        measure("clips", "Training clips"),
        measure("accuracy", "Accuracy", format=".1%"),
        measure("low", "from", format=".1%"),
        measure("high", "to", format=".1%"),
        measure("samples", "Samples"),
    ]
    intervals = {
        "mark": {"type": "rule", "opacity": 0.5},
        "transform": [{"filter": "isValid(datum.low)"}],
        "encoding": {"y": measure("low", "Accuracy", **percent), "y2": {"field": "high"}},
    }
    lines = {
        "mark": {"type": "line", "point": {"size": 60}, "strokeWidth": 2.2},
        "encoding": {"y": measure("accuracy", "Accuracy", **percent)},
    }
    spec: dict[str, Any] = {
        "padding": PADDING,
        "encoding": {"x": x, "color": colour, "tooltip": tooltip},
        "layer": [intervals, lines],
    }
    last = points.drop_duplicates("classifier", keep="last")
    words = ", ".join(f"{name} {value:.1%}" for name, value in zip(last["classifier"], last["accuracy"], strict=True))
    alt = f"Accuracy by training recordings per class; at the largest size: {words}"
    st.vega_lite_chart(points, spec, key=key, height=340, width="stretch", alt=alt)
