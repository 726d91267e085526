"""Curves of the Explore page: the average spectrum, and accuracy over the ratio of noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui.charts.curves import category, measure

if TYPE_CHECKING:
    import pandas as pd

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


def accuracy_in_noise(noisy: pd.DataFrame, clean: float, snrs_db: tuple[float, ...]) -> None:
    """Accuracy over the ratio with its interval.

    Args:
        noisy: a row a ratio, with ``snr_db``, ``accuracy``, ``low``, ``high``, ``hits`` and ``clips``.
        clean: the accuracy without added noise, a dashed line.
    """
    scale = {"reverse": True, "nice": False, "domain": [min(snrs_db), max(snrs_db)]}
    x = measure("snr_db", "signal-to-noise ratio (dB)", scale=scale)
    y: dict[str, Any] = {"type": "quantitative", "axis": {"format": "%"}, "scale": {"domain": [0, 1]}}
    level = {"datum": clean, **y}
    baseline, dy = ("top", 4) if clean > 0.9 else ("bottom", -4)
    tooltip = [
        {"field": "snr_db", "title": "ratio (dB)"}, {"field": "accuracy", "format": ".1%"},
        {"field": "low", "format": ".1%"}, {"field": "high", "format": ".1%"}, {"field": "hits"}, {"field": "clips"},
    ]  # fmt: skip
    curve = {"x": x, "y": {"field": "accuracy", "title": "accuracy", **y}, "tooltip": tooltip}
    layers = [
        {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "#7A8288"}, "encoding": {"y": level}},
        {
            "name": "clean_note",
            "mark": {"type": "text", "align": "right", "baseline": baseline, "dy": dy},
            "encoding": {"x": {"value": "width"}, "y": level, "text": {"value": "without added noise"}},
        },
        {
            "mark": {"type": "area", "opacity": 0.18},
            "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        },
        {"mark": {"type": "line", "point": True, "strokeWidth": 2}, "encoding": curve},
    ]
    alt = "Accuracy by signal-to-noise ratio"
    st.vega_lite_chart(noisy, {"layer": layers}, height=280, width="stretch", key="explore-noise-curve", alt=alt)
