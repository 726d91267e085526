"""The reliability diagram: how often a network is right, over how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from labcore.evaluation.calibration import Reliability
from ui.app.text import percent
from ui.charts.colours import dark
from ui.charts.curves import PADDING, category, measure

_SHARE: dict[str, Any] = {"axis": {"format": "%", "tickCount": 5}, "scale": {"domain": [0, 1]}}
_X, _Y = measure("confidence", "Confidence", **_SHARE), measure("accuracy", "Accuracy", **_SHARE)
_TOOLTIP = [
    category("series", title="Probabilities"),
    measure("confidence", "Mean confidence", format=".1%"),
    measure("accuracy", "Accuracy", format=".1%"),
    measure("clips", "Clips"),
]
_SIZE = measure("clips", legend=None, scale={"range": [25, 260], "domainMin": 0})
COLUMNS = ["series", "confidence", "accuracy", "clips", "low", "high", "ideal"]


def reliability(lines: Mapping[str, Reliability], *, key: str) -> None:
    """Accuracy over confidence, a line each, with the Wilson intervals of the first one; on the dashed line a network is as often right as
    it says.

    Args:
        lines: name → the diagram.
    """
    import pandas as pd

    legend = {"title": None, "orient": "top", "symbolOpacity": 1, "symbolType": "circle"} if len(lines) > 1 else None
    colour = category("series", scale={"domain": list(lines)}, legend=legend)
    frame = pd.DataFrame(_rows(lines), columns=COLUMNS)
    spec = {"padding": PADDING, "layer": [_ideal(), _intervals(colour), *_points(colour)]}
    st.vega_lite_chart(frame, spec, key=key, height=330, width="stretch", alt=in_words(lines))


def in_words(lines: Mapping[str, Reliability]) -> str:
    """The diagram for who cannot see it."""
    told = [f"{name}: expected calibration error {percent(of_line.error)}" for name, of_line in lines.items()]
    return f"Reliability diagram. {'; '.join(told)}."


def _rows(lines: Mapping[str, Reliability]) -> list[dict[str, Any]]:
    """A row a bin, and the two ends of the dashed line."""
    first = next(iter(lines))
    rows: list[dict[str, Any]] = [{"ideal": 0.0}, {"ideal": 1.0}]
    for name, of_line in lines.items():
        for each in of_line.bins:
            row = {name: getattr(each, name) for name in ("confidence", "accuracy", "clips")} | {"series": name}
            rows.append(row | ({"low": each.low, "high": each.high} if name == first else {}))
    return rows


def _ideal() -> dict[str, Any]:
    grey = "#9AA5A9" if dark() else "#7A8288"
    return {
        "transform": [{"filter": "isValid(datum.ideal)"}],
        "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1.4, "color": grey, "aria": False},
        "encoding": {"x": _X | {"field": "ideal"}, "y": _Y | {"field": "ideal"}},
    }


def _intervals(colour: dict[str, Any]) -> dict[str, Any]:
    return {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "opacity": 0.45, "strokeWidth": 1.4, "aria": False},
        "encoding": {"x": _X, "y": _Y | {"field": "low"}, "y2": {"field": "high"}, "color": colour},
    }


def _points(colour: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"x": _X, "y": _Y, "color": colour}
    there = {"transform": [{"filter": "isValid(datum.clips)"}]}
    return [
        there | {"mark": {"type": "line", "strokeWidth": 1.6, "opacity": 0.7}, "encoding": place},
        there
        | {
            "mark": {"type": "point", "filled": True, "opacity": 1},
            "encoding": {**place, "size": _SIZE, "tooltip": _TOOLTIP},
        },
    ]
