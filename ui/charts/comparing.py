"""What a comparison of runs draws: curves over each other, the change of each class, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ui.app.text import points
from ui.charts.colours import DIVERGING, accents, dark
from ui.charts.curves import PADDING, category, measure

OTHERS = "other runs"
SHARE = {"axis": {"format": "%", "tickCount": 5}}


def overlaid(lines: Mapping[str, Sequence[tuple[int, float]]], *, title: str, share: bool, key: str) -> None:
    """One quantity over the epochs, a line a run: name → epoch and value."""
    rows = [{"run": name, "epoch": epoch, "value": value} for name, curve in lines.items() for epoch, value in curve]
    y = {**SHARE, "scale": {"domain": [0, 1]}} if share else {"scale": {"zero": False}}
    spec = {
        "padding": PADDING,
        "mark": {"type": "line", "strokeWidth": 2, "point": len(rows) < 3 * max(1, len(lines))},
        "encoding": {
            "x": measure(
                "epoch",
                "Epoch",
                axis={"grid": False, "format": "d", "tickMinStep": 1},
                scale={"domain": [1, max([2, *(row["epoch"] for row in rows)])], "nice": False},
            ),
            "y": measure("value", **y),
            "color": category("run", scale={"domain": list(lines)}, legend={"title": None, "orient": "top"}),
            "tooltip": [
                category("run", title="Run"),
                measure("epoch", "Epoch"),
                measure("value", title, format=".1%" if share else ".3f"),
            ],
        },
    }
    frame = pd.DataFrame(rows, columns=["run", "epoch", "value"])
    st.vega_lite_chart(frame, spec, key=key, height=260, width="stretch", alt=f"{title} by epoch, a line a run")


def class_changes(changes: Mapping[str, tuple[float, int]], *, better: str, key: str) -> None:
    """The change of recall of each class as bars from a middle: name → change from -1 to 1, and clips."""
    rows = [
        {"class": name, "change": change, "clips": clips, "told": points(change)}
        for name, (change, clips) in changes.items()
    ]
    reach = max([0.05, *(abs(change) for change, _ in changes.values())])
    spec: dict[str, Any] = {
        "padding": PADDING,
        "mark": {"type": "bar", "cornerRadius": 2, "height": {"band": 0.7}},
        "encoding": {
            "y": category("class", sort=None, title=None, axis={"ticks": False, "domain": False, "labelLimit": 160}),
            "x": measure(
                "change", f"Recall of {better} is higher →", axis={"format": "+.0%"}, scale={"domain": [-reach, reach]}
            ),
            "color": {
                "condition": {"test": "datum.change < 0", "value": DIVERGING[-1]},
                "value": accents()[0],
            },
            "tooltip": [category("class", title="Class"), category("told", title="Change"), measure("clips", "Clips")],
        },
    }
    words = ", ".join(f"{name} {points(change)}" for name, (change, _) in changes.items())
    frame = pd.DataFrame(rows, columns=["class", "change", "clips", "told"])
    height = 26 * len(rows) + 60
    st.vega_lite_chart(
        frame, spec, key=key, height=height, width="stretch", alt=f"Change of recall: {words or 'none'}."
    )


def costs(table: pd.DataFrame, field: str, title: str, *, key: str, form: str = "~s") -> None:
    """Accuracy over what a run costs, a point a run, those that are compared in colour.

    Args:
        table: name, side (a letter, or "others"), accuracy, and the columns of the costs.
        field: of the cost on the axis, which is logarithmic.
    """
    shown = table[table[field].notna() & (table[field] > 0)]
    sides = sorted(set(shown["side"]) - {OTHERS})
    spec = {
        "padding": PADDING,
        "mark": {"type": "point", "filled": True, "opacity": 0.8},
        "encoding": {
            "x": measure(
                field, title, axis={"format": form, "tickCount": 5}, scale={"type": "log", "nice": False, "padding": 14}
            ),
            "y": measure("accuracy", "Accuracy", **SHARE, scale={"zero": False, "nice": True}),
            "color": category(
                "side",
                scale={"domain": [*sides, OTHERS], "range": [*_colours(len(sides)), "#9AA5A9"]},
                legend={"title": None, "orient": "top", "symbolOpacity": 1},
            ),
            "size": {"condition": {"test": f"datum.side === '{OTHERS}'", "value": 40}, "value": 130},
            "tooltip": [
                category("name", title="Run"),
                measure("accuracy", "Accuracy", format=".1%"),
                measure(field, title, format=".4~s"),
            ],
        },
    }
    alt = f"Accuracy over {title.lower()} of {len(shown)} runs"
    st.vega_lite_chart(shown, spec, key=key, height=320, width="stretch", alt=alt)


def _colours(count: int) -> list[str]:
    colours = st.get_option(f"theme.{'dark' if dark() else 'light'}.chartCategoricalColors") or ["#0B7A75", "#D2573A"]
    return [colours[number % len(colours)] for number in range(count)]
