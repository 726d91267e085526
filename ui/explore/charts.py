"""The curve of the Explore page: the average spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.charts.curves import category, measure

if TYPE_CHECKING:
    from labcore.explore.view import Spectrum


def spectrum(told: Spectrum) -> None:
    """Level over frequency, a line a channel."""
    import pandas as pd

    keep = told.hz > 0  # the axis is logarithmic
    sides = [f"channel {number + 1}" for number in range(len(told.decibels))]
    frame = pd.DataFrame(
        {
            "Hz": np.tile(told.hz[keep].round(1), len(sides)),
            "dB": told.decibels[:, keep].ravel().round(1),
            "channel": np.repeat(sides, int(keep.sum())),
        }
    )
    select = {"type": "point", "nearest": True, "on": "pointerover", "fields": ["Hz"], "clear": "pointerout"}
    axis = {"format": "~s", "tickCount": 8}
    x = measure("Hz", "frequency (Hz)", scale={"type": "log", "nice": False}, axis=axis)
    y = measure("dB", "dBFS", scale={"zero": False})
    colour = category("channel", legend=None if len(sides) == 1 else {"orient": "top", "title": None})
    tooltip = [{"field": "Hz", "format": ",.0f"}, {"field": "dB", "format": ".1f"}, {"field": "channel"}]
    seen = {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0}
    point = {"type": "point", "filled": True, "size": 50}
    layers = [
        {"mark": {"type": "line", "strokeWidth": 1.3}},
        {
            "params": [{"name": "near", "select": select}],
            "mark": point,
            "encoding": {"opacity": seen, "tooltip": tooltip},
        },
    ]
    spec = {"encoding": {"x": x, "y": y, "color": colour}, "layer": layers}
    st.vega_lite_chart(frame, spec, height=220, width="stretch", key="explore-spectrum", alt="Average spectrum")
