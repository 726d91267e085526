"""What moves while a run trains, one function a figure: Vega-Lite, which keeps its place on the page when the data change.

A specification stays the same from epoch to epoch and only the rows change, so that a browser draws no chart anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import streamlit as st

from labcore.events import Epoch
from ui.charts.colours import dark

PADDING = {"top": 6, "bottom": 0, "left": 0, "right": 6}
"""Around a picture of Vega-Lite, in pixels."""
NEIGHBOURS = 3
"""So many values on either side say what is usual at a place."""
FACTOR = 6.0
"""A value so many times above what is usual is a spike."""
WORTH = 1.5
"""Spikes are cut only where they stand so many times above everything else: lower ones do no harm."""


def measure(field: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """A column of numbers of Vega-Lite on an axis, which needs no title there, or in a tooltip."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def category(field: str, **more: Any) -> dict[str, Any]:
    """A column of names of Vega-Lite."""
    return {"field": field, "type": "nominal", **more}


SIDES = {"train": "training", "val": "validation"}
"""Side of an epoch event → the name of its clips."""
_STROKES = {"title": None, "symbolType": "stroke"}
_SHARE = {"axis": {"format": "%", "tickCount": 3}, "scale": {"domain": [0, 1]}}
_EPOCH = measure("epoch", "Epoch")


def curves(
    epochs: list[Epoch],
    field: str,
    total: int,
    *,
    key: str,
    title: str,
    marks: list[dict[str, Any]],
    watched: str = SIDES["val"],
) -> None:
    """Loss, accuracy or mean average precision over the epochs, training clips and others as two lines, and a rule where a setting was
    turned.

    A loss that stands far above all others is drawn at the upper edge, with an arrow and its value: the axis is of the others.

    Args:
        epochs: epoch events.
        field: ``loss``, ``accuracy`` or ``mean_ap``, which is of the others alone.
        watched: what the others are: "validation" or "test".
        total: how many epochs there will be; the axis has its final length from the start.
        marks: ``epoch`` and ``what`` of each rule. They are rows of the data as the points are, so that the drawing itself stays.
    """
    import pandas as pd

    share = field in ("accuracy", "mean_ap")
    names = SIDES | {"val": watched}
    frame = pd.DataFrame(
        _rows(epochs, field, marks, names), columns=["epoch", "value", "clips", "what", "real", "above"]
    )
    form = ".1%" if field == "accuracy" else ".3f"
    legend = {"orient": "bottom-right" if share else "top-right", "direction": "horizontal"}
    line = {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "line", "interpolate": "linear", "strokeWidth": 2.2, "point": len(epochs) < 3},
        "encoding": {
            "y": measure(
                "value",
                axis={"format": "%" if field == "accuracy" else ".4~g", "tickCount": 5},
                scale={"domain": [0, 1]} if share else {"zero": False, "nice": True},
            ),
            "color": category("clips", scale={"domain": list(names.values())}, legend={**_STROKES, **legend}),
            "tooltip": [_EPOCH, category("clips", title="Clips"), measure("real", title, format=form)],
        },
    }
    spec = {"padding": PADDING, "encoding": {"x": _epoch_axis(total)}, "layer": [line, *_NOTES]}
    st.vega_lite_chart(frame, spec, key=key, height=250, width="stretch", alt=f"{title} by epoch")


def _rows(epochs: list[Epoch], field: str, marks: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    """A row a point and a row a mark. ``value`` is where a point is drawn, ``real`` what it is, ``above`` its name beyond the axis."""
    of_side = {"train": epochs, "val": [event for event in epochs if event.evaluated]}
    told = {side: [(event, getattr(event, f"{side}_{field}", None)) for event in of_side[side]] for side in names}
    sides = {names[side]: points for side, points in told.items() if None not in [value for _, value in points]}
    top = ceiling([[value for _, value in points] for points in sides.values()])
    rows: list[dict[str, Any]] = []
    for name, points in sides.items():
        for event, real in points:
            above = f"{real:.3g}" if top is not None and real > top else None
            visible = top if above else real
            rows.append(
                {
                    "epoch": event.epoch,
                    "value": round(visible, 5),
                    "clips": name,
                    "real": round(real, 5),
                    "above": above,
                }
            )
    return [*rows, *({"epoch": mark["epoch"], "what": mark["what"]} for mark in marks)]


def ceiling(curves: Sequence[Sequence[float]]) -> float | None:
    """Where to cut a chart of positive values such that spikes do not rule it; None where nothing is to be cut.

    A curve that comes down from a high beginning is no spike, nor is one that goes up for good: it has neighbours there.
    """
    usual, spikes = [], []
    for curve in curves:
        values = [value for value in curve if value == value]  # what is not a number is not drawn
        for place, value in enumerate(values):
            around = [*values[max(0, place - NEIGHBOURS) : place], *values[place + 1 : place + 1 + NEIGHBOURS]]
            spike = value == float("inf") or (len(around) > 1 and value > FACTOR * median(around) > 0)
            (spikes if spike else usual).append(value)
    if not spikes or not usual:
        return None
    top = 1.15 * max(usual)
    return top if max(spikes) > WORTH * top else None


def _rows_with(field: str, kind: str, encoding: dict[str, Any], **mark: Any) -> dict[str, Any]:
    """A layer of the rows that have a field, which often are none: an empty mark has no name, so readers of screens pass it over.

    Its name gives a text the ink of ``page.css``.
    """
    mark = {"type": kind, "aria": False, **mark}
    layer = {"transform": [{"filter": f"isValid(datum.{field})"}], "mark": mark, "encoding": encoding}
    return layer | ({"name": f"{field}_note"} if kind == "text" else {})


_VALUE = {"field": "value", "type": "quantitative"}
_BEYOND = {"y": _VALUE, "color": category("clips"), "tooltip": [measure("real", "Beyond the axis", format=".4~g")]}
_CHANGED = {"tooltip": [category("what", title="Changed")]}
_ABOVE_NOTE = {"y": _VALUE, "text": category("above")}
_CHANGED_NOTE = {"y": {"value": 0}, "text": category("what")}
_NOTES = [
    _rows_with("above", "point", _BEYOND, shape="triangle-up", filled=True, size=60, opacity=1, yOffset=-1),
    _rows_with("above", "text", _ABOVE_NOTE, align="left", baseline="middle", dx=8),
    _rows_with("what", "rule", _CHANGED, strokeDash=[3, 3], strokeWidth=1.6, color="#7A8288"),
    _rows_with("what", "text", _CHANGED_NOTE, angle=270, align="right", baseline="bottom", dx=-2, dy=-3, limit=190),
]
"""Layers of :func:`curves`: values beyond the axis, and changed settings."""


def probabilities(
    rows: list[dict[str, Any]], labels: list[str], shown: list[str], total: int, *, key: str, alt: str
) -> None:
    """Probabilities of one clip over the epochs, a line a label.

    Args:
        rows: ``epoch``, ``value`` and ``label``.
        labels: all there are, so that each keeps its colour.
        shown: those that have lines.
    """
    legend = {**_STROKES, "orient": "top", "columns": 2, "columnPadding": 28, "values": shown}
    _lines(
        rows,
        total,
        y=_SHARE,
        colour=category("label", scale={"domain": labels}, legend=legend),
        tooltip=[category("label", title="Label"), measure("value", "Probability", format=".1%")],
        key=key,
        height=210,
        alt=alt,
    )


def fold_legend(watched: str, what: str = "Accuracy") -> None:
    """What the lines of all :func:`fold_curve` are, once for all of them. ``watched``: "validation" or "test"."""
    colours = st.get_option(f"theme.{'dark' if dark() else 'light'}.chartCategoricalColors")
    names = "".join(
        f'<span style="white-space:nowrap;margin-left:1em"><span style="display:inline-block;width:1.1em;height:.2em;'
        f'background:{colour};margin-right:.4em;vertical-align:middle"></span>{name}</span>'
        for name, colour in zip((SIDES["train"], watched), colours, strict=False)
    )
    st.html(f'<div style="font-size:.87rem">{what} by epoch, on clips of{names}</div>')


def fold_curve(
    points: Sequence[tuple[int, float | None, float]], total: int, *, key: str, title: str, watched: str
) -> None:
    """Accuracy of one of several folds over the epochs, small: epoch, on training clips, on those that are watched. Without one on training
    clips it is the mean average precision of several labels a clip."""
    sides = (SIDES["train"], watched)
    what, form = ("Accuracy", ".1%") if points and points[-1][1] is not None else ("mAP", ".3f")
    rows = [
        {"epoch": epoch, "value": round(value, 4), "clips": clips}
        for epoch, train, val in points
        for clips, value in zip(sides, (train, val), strict=True)
        if value is not None
    ]
    _lines(
        rows,
        total,
        y={**_SHARE, "axis": {"format": "%" if what == "Accuracy" else ".1f", "tickCount": 2}},
        colour=category("clips", scale={"domain": list(sides)}, legend=None),
        tooltip=[category("clips", title="Clips"), measure("value", what, format=form)],
        key=key,
        height=96,
        alt=f"{what} of {title} by epoch",
        stroke=1.6,
        ticks=3,
    )


def small_curve(epochs: list[Epoch], field: str, total: int, *, key: str, title: str, form: str = "~s") -> None:
    """One quantity over the epochs, small."""
    _lines(
        [{"epoch": event.epoch, "value": getattr(event, field)} for event in epochs],
        total,
        y={"axis": {"format": form, "tickCount": 3}, "scale": {"zero": True}},
        tooltip=[measure("value", title, format=".4~g")],
        key=key,
        height=130,
        alt=f"{title} by epoch",
    )


def _lines(
    rows: list[dict[str, Any]],
    total: int,
    *,
    y: dict[str, Any],
    tooltip: list[dict[str, Any]],
    colour: dict[str, Any] | None = None,
    key: str,
    height: int,
    alt: str,
    stroke: float = 1.8,
    ticks: int = 6,
) -> None:
    """Lines over the epochs, with marks on those of one or two points, which would not be seen.

    Args:
        rows: ``epoch``, ``value``, and what ``colour`` tells apart.
        y: axis and scale of the values.
        ticks: about so many on the axis of epochs.
    """
    import pandas as pd

    columns = ["epoch", "value", *([colour["field"]] if colour else [])]
    encoding = {"x": _epoch_axis(total, ticks), "y": {**measure("value"), **y}, "tooltip": [_EPOCH, *tooltip]}
    spec = {
        "padding": PADDING,
        "mark": {"type": "line", "strokeWidth": stroke, "point": len({row["epoch"] for row in rows}) < 3},
        "encoding": encoding | ({"color": colour} if colour else {}),
    }
    st.vega_lite_chart(pd.DataFrame(rows, columns=columns), spec, key=key, height=height, width="stretch", alt=alt)


def _epoch_axis(total: int, ticks: int = 6) -> dict[str, Any]:
    axis = {"grid": False, "format": "d", "tickMinStep": 1, "tickCount": ticks}
    return measure("epoch", axis=axis, scale={"domain": [1, max(2, total)], "nice": False})
