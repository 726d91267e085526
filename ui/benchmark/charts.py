"""Figures of the Speed page. What grows while a benchmark runs is Vega-Lite, what stands still is Plotly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.app.text import unmarked
from ui.charts.bars import bars, show_figure
from ui.charts.colours import accents, dark
from ui.charts.curves import PADDING, category, measure

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

PART_NAMES = {"decode": "Decode", "transfer": "Transfer", "mel": "Log-mel", "network": "Network"}
BAR = 26
"""Height of a bar with its gap, in pixels."""
TOOLTIP = [
    category("Device"),
    measure("Batch", "Batch size"),
    *(measure(column, column, format=",.4~r") for column in ("Clips/s", "ms per batch")),
    measure("Share of peak", "Share of peak", format=".1%"),
    *map(category, ("Configuration", "Note")),
]
LONG = 24
"""Names of bars with more letters than this take two lines."""


def throughput(frame: pd.DataFrame, *, key: str, height: int = 360) -> None:
    """Clips a second over the batch size, both on logarithmic axes, a line a series, the quartiles as thin strokes.

    Args:
        frame: from :func:`ui.benchmark.data.curve`.
    """
    x, scale = _batches(frame["Batch"]), {"type": "log", "nice": True}
    names = list(dict.fromkeys(frame["Device"]))
    rates = [rate for column in ("Quartile low", "Clips/s", "Quartile high") for rate in frame[column].dropna()]
    tens = [10.0**power for power in range(math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates))) + 1)]
    columns = 1 if max(map(len, names)) > 20 else 3  # long names beside each other would be cut on a narrow screen
    legend = {"orient": "top", "title": None, "symbolType": "stroke", "labelLimit": 420, "columns": columns}
    colour = category("Device", scale={"domain": names}, legend=legend)
    low = measure("Quartile low", "clips/s", scale=scale, axis={"format": "~s", "values": tens})
    quartiles = {
        "mark": {"type": "rule", "strokeWidth": 1.4, "opacity": 0.6},
        "encoding": {"x": x, "y": low, "y2": {"field": "Quartile high"}, "color": colour},
    }
    rate = {"field": "Clips/s", "type": "quantitative", "scale": scale}
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2, "point": {"size": 46, "filled": True}},
        "encoding": {"x": x, "y": rate, "color": colour, "tooltip": TOOLTIP},
    }
    spec = {"padding": PADDING, "layer": [quartiles, line]}
    st.vega_lite_chart(frame, spec, key=key, height=height, width="stretch", alt="Clips per second by batch size")


def _batches(sizes: pd.Series) -> dict[str, Any]:
    """The axis of batch sizes: two decades at least, or a lone point would stand on an axis without a sense of scale."""
    reach = [0.8 * min(1, *sizes), 1.25 * max(8, *sizes)]
    sizes_in = [2**power for power in range(0, 11) if reach[0] <= 2**power <= reach[1]]
    axis = {"values": sizes_in[::2] if len(sizes_in) > 9 else sizes_in, "format": "d", "grid": False}
    return measure("Batch", "batch size", scale={"type": "log", "base": 2, "domain": reach, "nice": False}, axis=axis)


def ratios(factors: dict[str, float], *, key: str, alt: str) -> None:
    """Speed-ups by their names as bars from 1 on a logarithmic axis: to the right is faster, to the left slower."""
    labels, values = list(factors), list(factors.values())
    faster, slower = ("#4FC3B5", "#F2876B") if dark() else ("#0B7A75", "#D2573A")
    logs = [math.log10(max(value, 1e-6)) for value in values]
    least, most = min([*logs, 0.0]), max([*logs, 0.0])
    room = max(0.15, 0.3 * (most - least))  # for the figures beyond the ends of the bars
    texts = [f"{value:.3g} ×" if value >= 1 else f"{value:.2g} ×" for value in values]
    colours = [faster if value >= 1 else slower for value in values]
    figure = bars(labels, logs, texts, colours, (least - (room if least < 0 else 0), most + room))
    figure.add_vline(x=0, line_width=1, line_color="#7d8a90")
    _show_bars(figure, labels, key=key, alt=alt)


def _show_bars(
    figure: go.Figure, labels: list[str], *, key: str, alt: str, more: int = 24, legend: bool = False
) -> None:
    """Bars beside their names. A long name takes two lines: beside a chart on a narrow screen one would be cut off."""
    lines = [_two_lines(label) for label in labels]
    tall = any("<br>" in line for line in lines)
    figure.update_yaxes(type="category", tickvals=labels, ticktext=lines)
    show_figure(figure, height=(BAR + 14 * tall) * len(labels) + more, key=key, alt=alt, legend=legend)


def _two_lines(label: str) -> str:
    """A name in two lines about as long where it is long, parted after a comma or a colon."""
    if len(label) <= LONG:
        return unmarked(label)
    ends = [place + 1 for place, letter in enumerate(label) if letter in ",:" and label[place + 1 : place + 2] == " "]
    if not ends:
        return unmarked(label)
    place = min(ends, key=lambda end: abs(end - len(label) / 2))
    return f"{unmarked(label[:place])}<br>{unmarked(label[place + 1 :])}"


def lengths(labels: list[str], values: list[float]) -> None:
    """Times in milliseconds as bars, the shortest in the stronger colour."""
    strong, weak = accents()
    colours = [strong if value == min(values) else weak for value in values]
    figure = bars(labels, values, [f"{value:.3g} ms" for value in values], colours, (0, 1.2 * max(values)))
    _show_bars(figure, labels, key="speed-forms", alt="Configurations tried")


def parts(labels: list[str], times: list[dict[str, float]], *, shares: bool, key: str) -> None:
    """Where the time goes: a bar a row, made of decoding, transfer, log-mel and network.

    Args:
        times: milliseconds a clip of each part.
        shares: every bar is as long as the others, its parts in per cent.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    totals = [max(1e-12, sum(row.values())) for row in times]
    for part, name in PART_NAMES.items():
        values = [row.get(part, 0.0) for row in times]
        shown = [100 * value / total for value, total in zip(values, totals, strict=True)] if shares else values
        figure.add_bar(
            x=shown,
            y=labels,
            name=name,
            orientation="h",
            customdata=values,
            hovertemplate=f"{name}: %{{customdata:.3g}} ms per clip<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(ticksuffix=" %" if shares else " ms", range=[0, 100] if shares else None, nticks=6)
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", showgrid=False)
    _show_bars(figure, labels, key=key, alt="Time per clip by stage", more=96, legend=True)
