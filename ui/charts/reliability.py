"""The reliability diagram: how often a network is right, over how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from labcore.evaluation.calibration import Reliability
from ui.app.text import percent
from ui.charts.colours import dark
from ui.charts.curves import PADDING, category, measure

_SHARE = {"axis": {"format": "%", "tickCount": 5}, "scale": {"domain": [0, 1]}}


def reliability(lines: Mapping[str, Reliability], *, key: str) -> None:
    """Accuracy over confidence, a line each, with the Wilson intervals of the first one; on the dashed line a network is as often right as
    it says.

    Args:
        lines: name → the diagram.
    """
    import pandas as pd

    first, names = next(iter(lines)), list(lines)
    rows = [
        {
            "series": name,
            "confidence": each.confidence,
            "accuracy": each.accuracy,
            "clips": each.clips,
            "low": each.low if name == first else None,
            "high": each.high if name == first else None,
        }
        for name, of_line in lines.items()
        for each in of_line.bins
    ]
    ends = [{"ideal": 0.0}, {"ideal": 1.0}]
    told = [
        category("series", title="Probabilities"),
        measure("confidence", "Mean confidence", format=".1%"),
        measure("accuracy", "Accuracy", format=".1%"),
        measure("clips", "Clips"),
    ]
    legend = {"title": None, "orient": "top", "symbolOpacity": 1, "symbolType": "circle"} if len(names) > 1 else None
    colour = category("series", scale={"domain": names}, legend=legend)
    place: dict[str, Any] = {
        "x": measure("confidence", "Confidence", **_SHARE),
        "y": measure("accuracy", "Accuracy", **_SHARE),
    }
    ground = {"x": measure("ideal", "Confidence", **_SHARE), "y": measure("ideal", "Accuracy", **_SHARE)}
    sizes = {"range": [25, 260], "domainMin": 0}
    grey = "#9AA5A9" if dark() else "#7A8288"
    interval = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "opacity": 0.45, "strokeWidth": 1.4, "aria": False},
        "encoding": {
            "x": place["x"],
            "y": measure("low", "Accuracy", **_SHARE),
            "y2": {"field": "high"},
            "color": colour,
        },
    }
    layers = [
        {
            "transform": [{"filter": "isValid(datum.ideal)"}],
            "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1.4, "color": grey, "aria": False},
            "encoding": ground,
        },
        interval,
        {
            "transform": [{"filter": "isValid(datum.clips)"}],
            "mark": {"type": "line", "strokeWidth": 1.6, "opacity": 0.7},
            "encoding": {**place, "color": colour},
        },
        {
            "transform": [{"filter": "isValid(datum.clips)"}],
            "mark": {"type": "point", "filled": True, "opacity": 1},
            "encoding": {**place, "color": colour, "tooltip": told, "size": measure("clips", legend=None, scale=sizes)},
        },
    ]
    columns = ["series", "confidence", "accuracy", "clips", "low", "high", "ideal"]
    spec = {"padding": PADDING, "layer": layers}
    frame = pd.DataFrame([*rows, *ends], columns=columns)
    st.vega_lite_chart(frame, spec, key=key, height=330, width="stretch", alt=in_words(lines))


def in_words(lines: Mapping[str, Reliability]) -> str:
    """The diagram for who cannot see it."""
    told = [f"{name}: expected calibration error {percent(of_line.error)}" for name, of_line in lines.items()]
    return f"Reliability diagram. {'; '.join(told)}."
