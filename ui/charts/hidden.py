"""How well each hidden class is noticed: a bar a class, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.charts.colours import accents
from ui.charts.curves import PADDING, category, measure

if TYPE_CHECKING:
    import pandas as pd


def classes(table: pd.DataFrame, key: str) -> None:
    """The area under the ROC curve of each class.

    Args:
        table: a row a class with ``name``, ``auroc``, ``low``, ``high``, ``noticed``, ``clips``, ``recordings`` and ``predicted_as``.
    """
    strong, weak = accents()
    y = category("name", sort=None, title=None, axis={"ticks": False, "domain": False, "labelLimit": 160})
    tooltip = [
        category("name", title="Hidden class"),
        measure("auroc", "AUROC", format=".3f"),
        measure("low", "from", format=".3f"),
        measure("high", "to", format=".3f"),
        measure("noticed", "Noticed", format=".1%"),
        measure("clips", "Clips"),
        category("predicted_as", title="Otherwise predicted as"),
    ]
    axis = measure("auroc", "AUROC", scale={"domain": [0, 1]}, axis={"tickCount": 5})
    span = {"x": {**measure("low", "AUROC"), "scale": {"domain": [0, 1]}}, "x2": {"field": "high"}, "y": y}
    spec: dict[str, Any] = {
        "padding": PADDING,
        "layer": [
            {
                "mark": {"type": "bar", "cornerRadius": 2, "height": {"band": 0.7}, "color": weak},
                "encoding": {"x": axis, "y": y, "tooltip": tooltip},
            },
            {"mark": {"type": "rule", "color": strong, "strokeWidth": 2}, "encoding": {**span, "tooltip": tooltip}},
            {
                "data": {"values": [{"chance": 0.5}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "gray"},
                "encoding": {"x": {**measure("chance", "AUROC"), "scale": {"domain": [0, 1]}}},
            },
        ],
    }
    words = ", ".join(f"{name} {auroc:.2f}" for name, auroc in zip(table["name"], table["auroc"], strict=True))
    height = 26 * len(table) + 60
    st.vega_lite_chart(table, spec, key=key, height=height, width="stretch", alt=f"AUROC of hidden classes: {words}")
