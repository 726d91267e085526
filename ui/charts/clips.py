"""What is in a data set: clips by class and fold, how a measure is spread, and the map of its clips; in Vega-Lite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.charts.colours import accents
from ui.charts.curves import PADDING, category, measure
from ui.charts.pressing import PRESSED, presses

if TYPE_CHECKING:
    import pandas as pd

MOST_COLOURS = 20
"""Of more kinds no legend is drawn, and colours come again."""
THEMED = 10
"""So many have colours in the theme."""
VERDICTS = {"right": "#2c9a67", "wrong": "#d1605e", "not predicted": "#9aa5a9"}


def by_class(counts: pd.DataFrame, names: Mapping[str, str], folds: Sequence[str], *, key: str) -> None:
    """A bar a class, parted by fold.

    Args:
        counts: from :func:`labcore.explore.clips.table.counts`.
        names: label → its name, in the order of the bars.
        folds: in the order of the parts.
    """
    rows = counts.assign(
        label=counts["label"].map(names), order=counts["fold"].map({fold: at for at, fold in enumerate(folds)})
    )
    shown = [name for label, name in names.items() if label]
    legend = {"orient": "top", "title": "Fold", "columns": 6} if 1 < len(folds) <= MOST_COLOURS else None
    spec = {
        "padding": PADDING,
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "y": category("label", title=None, sort=None, scale={"domain": shown}, axis={"labelLimit": 160, "labelOverlap": False}),
            "x": measure("clips", "Clips", axis={"tickMinStep": 1}),
            "color": category("fold", legend=legend, scale=_scale(folds)),
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [category("label", title="Class"), category("fold", title="Fold"), measure("clips", "Clips")],
        },
    }  # fmt: skip
    sizes = counts.groupby("label")["clips"].sum()
    alt = (
        f"Clips by class and fold: {int(sizes.min())} to {int(sizes.max())} clips a class"
        if len(sizes)
        else "Clips by class: none"
    )
    st.vega_lite_chart(rows, spec, key=key, height=22 * len(shown) + 125, width="stretch", alt=alt)


def spread(table: pd.DataFrame, title: str, *, key: str) -> None:
    """How many clips have which value, below a heading that names it: bars, from :func:`labcore.explore.clips.table.histogram`."""
    spec = {
        "padding": PADDING,
        "mark": {"type": "bar", "color": accents()[0]},
        "encoding": {
            "x": measure("low", bin="binned", axis={"tickCount": 5, "format": ".4~g"}),
            "x2": {"field": "high"},
            "y": measure("clips", "Clips", axis={"tickMinStep": 1, "tickCount": 4}),
            "tooltip": [measure("low", "From", format=".4~g"), measure("high", "To", format=".4~g"), measure("clips", "Clips")],
        },
    }  # fmt: skip
    alt = f"Clips by {title}: {table['low'].min():.4g} to {table['high'].max():.4g}"
    st.vega_lite_chart(table, spec, key=key, height=150, width="stretch", alt=alt)


def clip_map(
    points: pd.DataFrame, kinds: Sequence[str], title: str, *, key: str, alt: str, on_press: Callable[[], None]
) -> None:
    """Clips as points that can be pressed: ``number`` comes back.

    Args:
        points: ``x``, ``y``, ``number``, ``kind``, ``name``, ``label``, ``fold``, ``there``, and ``predicted`` where that is known. What
            is not ``there`` is drawn faintly below the others.
        kinds: what colours tell apart.
        title: of the legend.
    """
    told = [category("label", title="Class"), category("fold", title="Fold"), category("name", title="Clip")]
    if "predicted" in points:
        told.append(category("predicted", title="Predicted"))
    legend = (
        {"title": title, "orient": "bottom", "columns": 4, "symbolOpacity": 1, "labelLimit": 140}
        if len(kinds) <= MOST_COLOURS
        else None
    )
    place = {name: measure(name, axis=None, scale={"zero": False, "padding": 12}) for name in "xy"}
    faint = {
        "transform": [{"filter": "!datum.there"}],
        "mark": {"type": "circle", "size": 22, "color": "#9aa5a9", "opacity": 0.25, "aria": False},
        "encoding": place,
    }
    full = {
        "transform": [{"filter": "datum.there"}],
        "params": [presses(["number"])],
        "mark": {"type": "circle", "cursor": "pointer", "opacity": 0.85, "aria": False},
        "encoding": {
            **place,
            "color": category("kind", scale=_scale(kinds), legend=legend),
            "size": {"condition": {"param": PRESSED, "value": 260, "empty": False}, "value": 46},
            "tooltip": told,
        },
    }
    spec = {"padding": PADDING, "layer": [faint, full]}
    st.vega_lite_chart(
        points, spec, key=key, height=480, width="stretch", alt=alt, on_select=on_press, selection_mode=PRESSED
    )


def _scale(kinds: Sequence[str]) -> dict[str, Any]:
    if set(kinds) <= set(VERDICTS):
        return {"domain": list(kinds), "range": [VERDICTS[kind] for kind in kinds]}
    return {"domain": list(kinds), **({} if len(kinds) <= THEMED else {"scheme": "tableau20"})}
