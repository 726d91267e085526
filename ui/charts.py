"""One function a figure, of those that stand still. What moves with a training is in ``ui/curves.py``.

Plotly is large, and a page that has none of its figures does not load it.

Spectrograms are reduced to at most ``COLUMNS`` columns of one byte a cell before they are sent to the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.texts import shown

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = 1200
"""At most so many columns of a spectrogram, and points of a waveform's outline, reach the browser."""

SOUND = ["#0d1417", "#12343b", "#0f5c5f", "#23857c", "#6fae7f", "#c3c874", "#f3c66b", "#f6a35c", "#f2765a", "#fbe9d0"]
"""From silence to loud, for spectrograms on light and dark pages alike."""


def dark() -> bool:
    """Whether the visitor looks at the dark theme."""
    return st.context.theme.type == "dark"


def confusion(table: dict[str, dict[str, int]], *, key: str) -> None:
    """The confusion matrix: rows are what the clips are, columns what was predicted; colours are shares of a row.

    In Vega-Lite, which draws the curves of the same page: for this one picture Plotly would be 1.4 MB more to load.
    """
    import pandas as pd

    labels = list(table)
    cells = [
        {"true": row, "predicted": column, "clips": count, "share": count / max(1, sum(counts.values()))}
        for row, counts in table.items()
        for column, count in counts.items()
        if count
    ]
    inks = ("#10201f", "#cfe5de") if dark() else ("#ffffff", "#3c4a50")
    few = len(labels) <= 20
    band = {"type": "nominal", "sort": None, "scale": {"domain": labels, "paddingInner": 0.06}}
    axis = {"ticks": False, "domain": False, "labelOverlap": not few}
    place = {
        "y": {"field": "true", "title": "true", "axis": axis, **band},
        "x": {"field": "predicted", "title": "predicted", "axis": {**axis, "labelAngle": -45}, **band},
    }
    told = [
        {"field": "true", "title": "True"},
        {"field": "predicted", "title": "Predicted"},
        {"field": "clips", "type": "quantitative", "title": "Clips"},
        {"field": "share", "type": "quantitative", "title": "Share of the row", "format": ".0%"},
    ]
    scale = {"domain": [0, 1], "range": [colour for _, colour in _sequence()]}
    square = {
        "mark": {"type": "rect", "stroke": None, "cornerRadius": 2},
        "encoding": {
            "color": {"field": "share", "type": "quantitative", "scale": scale, "legend": None},
            "tooltip": told,
        },
    }
    number = {
        "mark": {"type": "text", "fontSize": 12},
        "encoding": {
            "text": {"field": "clips", "type": "quantitative"},
            "color": {"condition": {"test": "datum.share > 0.5", "value": inks[0]}, "value": inks[1]},
            "tooltip": told,
        },
    }
    empty = {"view": {"fill": _sequence()[0][1], "stroke": None}}
    spec = {"encoding": place, "layer": [square, number] if few else [square], "config": empty}
    frame = pd.DataFrame(cells, columns=["true", "predicted", "clips", "share"])
    height = max(300, (34 if few else 24) * len(labels) + 120)
    st.vega_lite_chart(frame, spec, key=key, height=height, width="stretch", alt=confusion_in_words(table))


def confusion_in_words(table: dict[str, dict[str, int]], most: int = 5) -> str:
    """A confusion matrix for who cannot see it: how many clips are right, and the most frequent confusions."""
    clips = sum(sum(counts.values()) for counts in table.values())
    right = sum(counts.get(label, 0) for label, counts in table.items())
    wrong = sorted(
        (
            (count, row, column)
            for row, counts in table.items()
            for column, count in counts.items()
            if count and row != column
        ),
        key=lambda cell: -cell[0],
    )
    told = f"Confusion matrix of the held-out clips: {right} of {clips} right"
    if not wrong:
        return f"{told}."
    named = ", ".join(f"{shown(row)} predicted as {shown(column)} ({count})" for count, row, column in wrong[:most])
    return f"{told}. Most frequent confusions: {named}."


def probabilities(shares: dict[str, float], *, key: str, most: int = 10) -> None:
    """The likeliest labels as bars."""
    import plotly.graph_objects as go

    top = sorted(shares.items(), key=lambda item: item[1], reverse=True)[:most]
    strong, weak = ("#4FC3B5", "#2C4A4C") if dark() else ("#0B7A75", "#B9D3CE")
    figure = go.Figure(
        go.Bar(
            x=[share for _, share in top],
            y=[label for label, _ in top],
            orientation="h",
            marker_color=[strong] + [weak] * (len(top) - 1),
            text=[f"{100 * share:.1f} %" for _, share in top],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.4%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.15], visible=False)
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_layout(bargap=0.35)
    show_figure(figure, height=30 * len(top) + 24, key=key, alt="Probabilities of the likeliest labels")


def sound(
    samples: np.ndarray,
    sample_rate: int,
    levels_db: np.ndarray,
    centres_hz: np.ndarray,
    *,
    key: str,
    start_s: float,
    marked: tuple[float, float] | None = None,
) -> None:
    """A waveform over its log-mel, on one time axis.

    Args:
        samples: (samples,) in −1 to 1, drawn as the lowest and highest sample of each of at most ``COLUMNS`` stretches.
        levels_db: (n_mels, frames) as the network is given them.
        centres_hz: (n_mels,) centre frequency of each band.
        start_s: the time at which both begin.
        marked: beginning and end of a stretch that is set off, in seconds.
    """
    import plotly.graph_objects as go

    seconds = len(samples) / sample_rate
    low, high = outline(samples, COLUMNS)
    times = start_s + np.linspace(0, seconds, len(low))
    colour = "#4FC3B5" if dark() else "#0B7A75"
    outline_y = np.concatenate([high, low[::-1]]).astype(np.float32)
    figure = go.Figure(
        go.Scatter(
            x=np.concatenate([times, times[::-1]]).astype(np.float32),
            y=outline_y,
            fill="toself",
            fillcolor=colour,
            line={"color": colour, "width": 0.6},
            hoverinfo="skip",
            yaxis="y2",
        )
    )
    cells = to_bytes(levels_db, COLUMNS)
    step = seconds / cells.shape[1]
    figure.add_heatmap(
        z=cells,
        x0=start_s + step / 2,
        dx=step,
        colorscale=_steps(SOUND),
        zmin=0,
        zmax=255,
        showscale=False,
        hovertemplate="%{x:.2f} s<extra></extra>",
    )
    hertz = [
        number
        for number in (62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
        if centres_hz[0] <= number <= centres_hz[-1]
    ]
    reach = max(0.05, float(np.abs(outline_y).max(initial=0.0)) * 1.05)
    figure.update_layout(
        yaxis={
            "domain": [0, 0.72],
            "tickvals": np.interp(hertz, centres_hz, np.arange(len(centres_hz))),
            "ticktext": [f"{number / 1000:g} kHz" if number >= 1000 else f"{number:g} Hz" for number in hertz],
            "showgrid": False,
            "ticksuffix": " ",
            "range": [-0.5, len(cells) - 0.5],
        },
        yaxis2={"domain": [0.76, 1], "range": [-reach, reach], "visible": False},
        xaxis={
            "ticksuffix": " s",
            "showgrid": False,
            "zeroline": False,
            "range": [start_s, start_s + seconds],
            "nticks": 8,
        },
    )
    if marked is not None:
        ink = "#F6A35C" if dark() else "#C2571A"
        edges = {"x0": marked[0], "x1": marked[1], "y0": 0, "y1": 1}
        figure.add_shape(
            type="rect", yref="paper", **edges, line={"color": ink, "width": 2}, fillcolor=ink, opacity=0.2
        )
    show_figure(figure, height=340, key=key, alt="Waveform and log-mel spectrogram")


def over_time(windows: list[tuple[float, float, dict[str, float]]], *, key: str, most: int = 12) -> None:
    """Probabilities over the windows of a long recording, a row a label, the most probable at the top."""
    import plotly.graph_objects as go

    peaks: dict[str, float] = {}
    for _, _, shares in windows:
        for label, share in shares.items():
            peaks[label] = max(peaks.get(label, 0.0), share)
    labels = sorted(peaks, key=lambda label: peaks[label], reverse=True)[:most]
    groups = np.array_split(np.arange(len(windows)), min(COLUMNS, len(windows)))
    cells = np.array([[max(windows[n][2].get(label, 0.0) for n in group) for group in groups] for label in labels])
    middles = [(windows[group[0]][0] + windows[group[-1]][1]) / 2 for group in groups]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(100 * cells).astype(np.uint8),
            x=np.array(middles, dtype=np.float32),
            y=labels,
            colorscale=_sequence(),
            zmin=0,
            zmax=100,
            showscale=False,
            ygap=2,
            hovertemplate="%{y} at %{x:.1f} s: %{z} %<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(ticksuffix=" s", showgrid=False)
    show_figure(figure, height=24 * len(labels) + 44, key=key, alt="Probabilities over the length of the recording")


# --- numbers into pictures


def outline(samples: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of each of at most ``columns`` stretches of (samples,): two arrays (columns,)."""
    if len(samples) == 0:
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    starts = np.linspace(0, len(samples), min(columns, len(samples)), endpoint=False).astype(np.int64)
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)


def to_bytes(levels_db: np.ndarray, columns: int) -> np.ndarray:
    """Levels (bands, frames) in dB → uint8 (bands, at most ``columns``): the loudest frame of each stretch, 80 dB of range."""
    frames = levels_db.shape[1]
    if frames > columns:
        starts = np.linspace(0, frames, columns, endpoint=False).astype(np.int64)
        levels_db = np.maximum.reduceat(levels_db, starts, axis=1)
    top = float(levels_db.max())
    bottom = max(float(levels_db.min()), top - 80.0)
    return np.round(255 * np.clip((levels_db - bottom) / max(1e-6, top - bottom), 0, 1)).astype(np.uint8)


def _steps(colours: list[str]) -> list[list[Any]]:
    return [[number / (len(colours) - 1), colour] for number, colour in enumerate(colours)]


def _sequence() -> list[list[Any]]:
    return _steps(
        ["#1a2428", "#186c6c", "#52b1a3", "#d3f0e6"] if dark() else ["#f3f0e9", "#bfdcd6", "#50a39c", "#075854"]
    )


def show_figure(figure: go.Figure, *, height: int, key: str, alt: str, legend: bool = False) -> None:
    """Draw a Plotly figure in the style of the pages, its legend on top where it has one."""
    figure.update_layout(
        height=height,
        margin={"l": 6, "r": 6, "t": 6, "b": 6},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
    )
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False, "scrollZoom": False})
