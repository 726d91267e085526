"""Accuracy over the level of a disturbance, a curve a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd

    from labcore.evaluation.robustness import Disturbance

LOGARITHMIC = ("Hz", "kbit/s")


def accuracy(table: pd.DataFrame, about: Disturbance, clean: dict[str, float], key: str) -> None:
    """Accuracy with its interval, from mild to bad.

    Args:
        table: a row a run and level, with ``run``, ``level``, ``accuracy``, ``low``, ``high``, ``hits`` and ``clips``.
        clean: run → its accuracy without the disturbance, a dashed line.
    """
    import pandas as pd

    title, one = f"{about.title} ({about.unit})", len(clean) == 1
    scale: dict[str, Any] = {"nice": False, "reverse": about.levels[0] > about.levels[-1]}
    if about.unit in LOGARITHMIC:
        scale["type"] = "log"
    x = {
        "field": "level", "type": "quantitative", "title": title, "scale": scale,
        "axis": {"values": sorted(set(table["level"])), "format": "~s" if about.unit == "Hz" else "~g"},
    }  # fmt: skip
    y: dict[str, Any] = {"type": "quantitative", "axis": {"format": "%"}, "scale": {"domain": [0, 1]}}
    legend = None if one else {"orient": "bottom", "title": None, "columns": 1, "labelLimit": 500, "symbolOpacity": 1}
    colour = {"field": "run", "type": "nominal", "legend": legend, "scale": {"domain": list(clean)}}
    tooltip = [
        {"field": "run"}, {"field": "level", "title": title}, {"field": "accuracy", "format": ".1%"},
        {"field": "low", "format": ".1%"}, {"field": "high", "format": ".1%"}, {"field": "hits"}, {"field": "clips"},
    ]  # fmt: skip
    at = {"x": x, "color": colour}
    curve = {**at, "y": {"field": "accuracy", "title": "accuracy", **y}, "tooltip": tooltip}
    dashed = pd.DataFrame({"run": list(clean), "accuracy": list(clean.values())})
    layers = [
        {
            "data": {"values": dashed.to_dict("records")},
            "mark": {"type": "rule", "strokeDash": [4, 4]},
            "encoding": {"y": {"field": "accuracy", **y}, "color": colour},
        },
        {
            "mark": {"type": "area", "opacity": 0.18 if one else 0.08},
            "encoding": {**at, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        },
        {"mark": {"type": "line", "point": True, "strokeWidth": 2}, "encoding": curve},
    ]
    alt = f"Accuracy by {about.title}"
    st.vega_lite_chart(table, {"layer": layers}, height=320, width="stretch", key=key, alt=alt)
