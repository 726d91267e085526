"""What moves while a run trains, one function a figure: Vega-Lite, which keeps its place on the page when the data change.

A specification stays the same from epoch to epoch and only the rows change, so that a browser draws no chart anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

_PADDING = {"top": 6, "bottom": 0, "left": 0, "right": 6}


def curves(
    epochs: list[dict[str, Any]],
    field: str,
    total: int,
    *,
    key: str,
    title: str,
    marks: list[dict[str, Any]] | None = None,
) -> None:
    """Loss or accuracy over the epochs, training and validation clips as two lines, and a rule where a knob was turned.

    Args:
        epochs: epoch events.
        field: ``loss`` or ``accuracy``.
        total: how many epochs there will be; the axis has its final length from the start.
        marks: ``epoch`` and ``what`` of each rule. They are rows of the data as the points are, so that the drawing itself stays.
    """
    share = field == "accuracy"
    rows: list[dict[str, Any]] = [
        {"epoch": event["epoch"], "value": round(event[f"{side}_{field}"], 5), "clips": name, "what": None}
        for event in epochs
        for side, name in (("train", "training"), ("val", "validation"))
    ]
    rows += [{"epoch": mark["epoch"], "value": None, "clips": None, "what": mark["what"]} for mark in marks or []]
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["epoch", "value", "clips", "what"])
    form = ".1%" if share else ".3f"
    line = {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "line", "interpolate": "linear", "strokeWidth": 2.2, "point": len(epochs) < 3},
        "encoding": {
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"format": "%" if share else ".4~g", "tickCount": 5},
                "scale": {"domain": [0, 1]} if share else {"zero": False, "nice": True},
            },
            "color": {
                "field": "clips",
                "type": "nominal",
                "scale": {"domain": ["training", "validation"]},
                "legend": {
                    "orient": "bottom-right" if share else "top-right",
                    "title": None,
                    "symbolType": "stroke",
                    "direction": "horizontal",
                },
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch"},
                {"field": "clips", "type": "nominal", "title": "Clips"},
                {"field": "value", "type": "quantitative", "title": title, "format": form},
            ],
        },
    }
    rule = {
        "transform": [{"filter": "isValid(datum.what)"}],
        "mark": {"type": "rule", "strokeDash": [3, 3], "strokeWidth": 1.6, "color": "#8A8F93"},
        "encoding": {"tooltip": [{"field": "what", "type": "nominal", "title": "Turned"}]},
    }
    spec = {"padding": _PADDING, "encoding": {"x": _epoch_axis(total)}, "layer": [line, rule]}
    st.vega_lite_chart(frame, spec, key=key, height=250, width="stretch", alt=f"{title} over the epochs")


def probabilities(
    rows: list[dict[str, Any]], labels: list[str], shown: list[str], total: int, *, key: str, alt: str
) -> None:
    """Probabilities of one clip over the epochs, a line a label.

    Args:
        rows: ``epoch``, ``value`` and ``label``.
        labels: all there are, so that each keeps its colour.
        shown: those that have lines.
    """
    epochs = len({row["epoch"] for row in rows})
    spec = {
        "padding": _PADDING,
        "mark": {"type": "line", "strokeWidth": 1.8, "point": epochs < 3},
        "encoding": {
            "x": _epoch_axis(total),
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"format": "%", "tickCount": 3},
                "scale": {"domain": [0, 1]},
            },
            "color": {
                "field": "label",
                "type": "nominal",
                "scale": {"domain": labels},
                "legend": {
                    "orient": "top",
                    "title": None,
                    "symbolType": "stroke",
                    "columns": 2,
                    "columnPadding": 28,
                    "values": shown,
                },
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch"},
                {"field": "label", "type": "nominal", "title": "Label"},
                {"field": "value", "type": "quantitative", "title": "Probability", "format": ".1%"},
            ],
        },
    }
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["epoch", "value", "label"])
    st.vega_lite_chart(frame, spec, key=key, height=210, width="stretch", alt=alt)


def fold_curve(points: Sequence[tuple[int, float, float]], total: int, *, key: str, title: str) -> None:
    """Accuracy of one of several folds over the epochs, small: epoch, on training clips, on validation clips."""
    import pandas as pd

    rows = [
        {"epoch": epoch, "value": round(value, 4), "clips": clips}
        for epoch, train, val in points
        for clips, value in (("training", train), ("validation", val))
    ]
    frame = pd.DataFrame(rows, columns=["epoch", "value", "clips"])
    spec = {
        "padding": _PADDING,
        "mark": {"type": "line", "strokeWidth": 1.6, "point": len(points) < 3},
        "encoding": {
            "x": {**_epoch_axis(total), "axis": {"grid": False, "format": "d", "tickMinStep": 1, "tickCount": 3}},
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"format": "%", "tickCount": 2},
                "scale": {"domain": [0, 1]},
            },
            "color": {
                "field": "clips",
                "type": "nominal",
                "scale": {"domain": ["training", "validation"]},
                "legend": None,
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch"},
                {"field": "clips", "type": "nominal", "title": "Clips"},
                {"field": "value", "type": "quantitative", "title": "Accuracy", "format": ".1%"},
            ],
        },
    }
    st.vega_lite_chart(frame, spec, key=key, height=96, width="stretch", alt=f"Accuracy of {title} over the epochs")


def small_curve(
    epochs: list[dict[str, Any]], field: str, total: int, *, key: str, title: str, form: str = "~s"
) -> None:
    """One quantity over the epochs, small."""
    import pandas as pd

    frame = pd.DataFrame(
        [{"epoch": event["epoch"], "value": event[field]} for event in epochs], columns=["epoch", "value"]
    )
    spec = {
        "padding": _PADDING,
        "mark": {"type": "line", "strokeWidth": 1.8, "point": len(epochs) < 3},
        "encoding": {
            "x": _epoch_axis(total),
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "axis": {"format": form, "tickCount": 3},
                "scale": {"zero": True},
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch"},
                {"field": "value", "type": "quantitative", "title": title, "format": ".4~g"},
            ],
        },
    }
    st.vega_lite_chart(frame, spec, key=key, height=130, width="stretch", alt=f"{title} over the epochs")


def _epoch_axis(total: int) -> dict[str, Any]:
    return {
        "field": "epoch",
        "type": "quantitative",
        "title": None,
        "axis": {"grid": False, "format": "d", "tickMinStep": 1, "tickCount": 6},
        "scale": {"domain": [1, max(2, total)], "nice": False},
    }
