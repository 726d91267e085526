"""One function a figure, of those that stand still, in Plotly. What moves with a training is in ``ui/charts/curves.py``.

Spectrograms are reduced to at most ``COLUMNS`` columns of one byte a cell before they are sent to the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from labcore.texts import shown
from ui.app.text import label_names, unmarked
from ui.charts.colours import colours

if TYPE_CHECKING:
    import plotly.graph_objects as go

INKS = ["#000000", "#ffffff"]
COLUMNS = 1200
"""At most so many columns of a spectrogram, and points of a waveform's outline, reach the browser."""
MOST_LABELS = 12
"""At most so many rows tell what is said of the windows."""

Windows = Sequence[tuple[float, float, dict[str, float]]]
"""Beginning and end of each in seconds, and its probabilities; by time."""


def dark() -> bool:
    """Whether the visitor looks at the dark theme."""
    return st.context.theme.type == "dark"


def confusion(table: dict[str, dict[str, int]], *, key: str) -> None:
    """The confusion matrix: rows are what the clips are, columns what was predicted; colours are shares of a row.

    In Vega-Lite, which draws the curves of the same page: for this one picture Plotly would be 1.4 MB more to load.
    """
    import pandas as pd

    named = label_names(table)
    labels = list(named.values())
    cells = [
        {
            "true": named[row],
            "predicted": named.get(column, column),
            "clips": count,
            "share": (share := count / max(1, sum(counts.values()))),
            "ink": ink_on(shade(_sequence(), share)),
        }
        for row, counts in table.items()
        for column, count in counts.items()
        if count
    ]
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
            "color": {"field": "ink", "type": "nominal", "scale": {"domain": INKS, "range": INKS}, "legend": None},
            "tooltip": told,
        },
    }
    empty = {"view": {"fill": _sequence()[0][1], "stroke": None}}
    spec = {"encoding": place, "layer": [square, number] if few else [square], "config": empty}
    frame = pd.DataFrame(cells, columns=["true", "predicted", "clips", "share", "ink"])
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
    names = label_names(shares)
    top = sorted(shares.items(), key=lambda item: item[1], reverse=True)[:most]
    strong, weak = ("#4FC3B5", "#2C4A4C") if dark() else ("#0B7A75", "#B9D3CE")
    labels, lengths = [unmarked(names[label]) for label, _ in top], [share for _, share in top]
    texts = [f"{100 * share:.1f} %" for share in lengths]
    figure = bars(labels, lengths, texts, [strong] + [weak] * (len(top) - 1), (0, 1.15))
    figure.update_traces(hoverinfo=None, hovertemplate="%{y}: %{x:.4%}<extra></extra>")
    show_figure(figure, height=30 * len(top) + 24, key=key, alt="Probabilities of the top labels")


def bars(
    labels: list[str], lengths: list[float], texts: list[str], colours: list[str], reach: tuple[float, float]
) -> go.Figure:
    """Bars beside their names, the first on top, a text at the end of each. ``reach`` is that of the axis, which is not drawn."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(
            x=lengths,
            y=labels,
            orientation="h",
            marker_color=colours,
            text=texts,
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(range=reach, visible=False)
    figure.update_yaxes(type="category", autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_layout(bargap=0.35)
    return figure


def sound(
    samples: np.ndarray,
    sample_rate: int,
    levels_db: np.ndarray,
    centres_hz: np.ndarray,
    *,
    key: str,
    start_s: float,
    marked: tuple[float, float] | None = None,
    windows: Windows = (),
) -> None:
    """A waveform over its log-mel, and below it what is said of its windows, on one time axis.

    Args:
        samples: (samples,) in −1 to 1, drawn as the lowest and highest sample of each of at most ``COLUMNS`` stretches.
        levels_db: (n_mels, frames) as the network is given them.
        centres_hz: (n_mels,) centre frequency of each band.
        start_s: the time at which both begin.
        marked: beginning and end of a stretch that is set off, in seconds.
        windows: of the recording, as :func:`over_time` takes them; those elsewhere are not drawn.
    """
    import plotly.graph_objects as go

    seconds = len(samples) / sample_rate
    figure = go.Figure(_outline(samples, start_s, seconds))
    cells, low, high = to_bytes(levels_db, COLUMNS)
    figure.add_heatmap(
        z=cells,
        x0=start_s + seconds / cells.shape[1] / 2,
        dx=seconds / cells.shape[1],
        colorscale=_steps(colours()),
        zmin=0,
        zmax=255,
        hovertemplate="%{x:.2f} s<extra></extra>",
    )
    rows = 0
    if windows:
        shares = _over_windows(windows, start_s, start_s + seconds)
        figure.add_trace(shares.update(yaxis="y3"))
        rows = 24 * len(shares.y)
    height = 340 + (rows + 22 if rows else 0)
    reach = max(0.05, float(np.abs(samples).max(initial=0.0)) * 1.05)
    foot = rows / (height - 40)  # what the rows of labels take of the height, and a gap
    gap = 0.05 if rows else 0.0
    lower, upper = foot + gap, foot + gap + 0.72 * (1 - foot - gap)
    figure.update_traces(selector={"type": "heatmap", "zmax": 255}, colorbar=_bar(lower, upper, low, high))
    figure.update_layout(
        yaxis={"domain": [lower, upper], **_hertz(centres_hz)},
        yaxis2={"domain": [1 - 0.24 * (1 - foot - gap), 1], "range": [-reach, reach], "visible": False},
        xaxis={
            "ticksuffix": " s",
            "showgrid": False,
            "zeroline": False,
            "range": [start_s, start_s + seconds],
            "nticks": 8,
            "anchor": "y3" if rows else "y",
        },
    )
    if rows:
        figure.update_layout(
            yaxis3={
                "type": "category",
                "domain": [0, foot],
                "autorange": "reversed",
                "ticksuffix": " ",
                "showgrid": False,
            }
        )
    _mark(figure, marked)
    told = "Waveform, log-mel spectrogram and probabilities over time" if rows else "Waveform and log-mel spectrogram"
    show_figure(figure, height=height, key=key, alt=told)


def _outline(samples: np.ndarray, start_s: float, seconds: float) -> go.Scatter:
    """The waveform, filled between its lowest and highest samples."""
    import plotly.graph_objects as go

    low, high = outline(samples, COLUMNS)
    times = start_s + np.linspace(0, seconds, len(low))
    colour = "#4FC3B5" if dark() else "#0B7A75"
    return go.Scatter(
        x=np.concatenate([times, times[::-1]]).astype(np.float32),
        y=np.concatenate([high, low[::-1]]).astype(np.float32),
        fill="toself",
        fillcolor=colour,
        line={"color": colour, "width": 0.6},
        hoverinfo="skip",
        yaxis="y2",
    )


def _bar(lower: float, upper: float, low: float, high: float) -> dict[str, Any]:
    """The bar that says which colour is which level, beside a picture of bytes between two shares of the figure's height."""
    return {
        "y": (lower + upper) / 2,
        "len": upper - lower,
        "thickness": 10,
        "xpad": 8,
        "outlinewidth": 0,
        "ticks": "",
        "tickvals": [0, 127.5, 255],
        "ticktext": [f"{level:.0f} dB".replace("-", "−") for level in (low, (low + high) / 2, high)],
    }


def _hertz(centres_hz: np.ndarray) -> dict[str, Any]:
    """The frequency axis of a log-mel whose rows are bands."""
    octaves = (62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
    hertz = [number for number in octaves if centres_hz[0] <= number <= centres_hz[-1]]
    return {
        "tickvals": np.interp(hertz, centres_hz, np.arange(len(centres_hz))),
        "ticktext": [f"{number / 1000:g} kHz" if number >= 1000 else f"{number:g} Hz" for number in hertz],
        "showgrid": False,
        "ticksuffix": " ",
        "range": [-0.5, len(centres_hz) - 0.5],
    }


def _mark(figure: go.Figure, marked: tuple[float, float] | None, fill: float = 0.2) -> None:
    """Set a stretch of the time axis off, in seconds."""
    if marked is not None:
        ink = "#F6A35C" if dark() else "#C2571A"
        edges = {"x0": marked[0], "x1": marked[1], "y0": 0, "y1": 1}
        figure.add_shape(
            type="rect", yref="paper", **edges, line={"color": ink, "width": 2}, fillcolor=ink, opacity=fill
        )


def over_time(windows: Windows, seconds: float, *, key: str, marked: tuple[float, float] | None = None) -> None:
    """Probabilities over a whole recording, a row a label, the most probable at the top.

    Args:
        windows: beginning and end in seconds and the probabilities of each, by time.
        seconds: length of the recording.
        marked: as for :func:`sound`.
    """
    import plotly.graph_objects as go

    shares = _over_windows(windows, 0.0, seconds)
    figure = go.Figure(shares)
    figure.update_yaxes(type="category", autorange="reversed", ticksuffix="  ", showgrid=False)
    figure.update_xaxes(ticksuffix=" s", showgrid=False, range=[0, seconds])
    _mark(figure, marked, fill=0.15)
    show_figure(figure, height=24 * len(shares.y) + 44, key=key, alt="Probability over time")


def _over_windows(windows: Windows, start_s: float, end_s: float) -> go.Heatmap:
    """What is said of the windows between two moments, for the labels that are likeliest somewhere."""
    import plotly.graph_objects as go

    here = [window for window in windows if window[0] < end_s and window[1] > start_s]
    names = label_names(here[0][2])
    labels = sorted(names, key=lambda label: max(shares[label] for _, _, shares in here), reverse=True)[:MOST_LABELS]
    edges, cells = over_cells(here, labels, start_s, end_s)
    return go.Heatmap(
        z=np.round(100 * cells).astype(np.uint8),
        x=edges,
        y=[unmarked(names[label]) for label in labels],
        colorscale=_sequence(),
        zmin=0,
        zmax=100,
        showscale=False,
        ygap=2,
        hovertemplate="%{y} at %{x:.1f} s: %{z} %<extra></extra>",
    )


# --- numbers into pictures


def over_cells(windows: Windows, labels: list[str], start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Windows that overlap as cells beside each other, each window at its whole width; where several lie, the highest counts.

    Args:
        windows: by time, that lie between ``start_s`` and ``end_s`` at least in part.

    Returns:
        The edges of the cells in seconds, (cells + 1,), and the probabilities, (labels, cells); at most ``COLUMNS`` cells.
    """
    begins, ends = (np.array([window[place] for window in windows], dtype=float) for place in (0, 1))
    edges = np.unique(np.clip(np.concatenate([begins, ends, [start_s, end_s]]), start_s, end_s))
    if len(edges) > COLUMNS + 1:
        edges = np.linspace(start_s, end_s, COLUMNS + 1)
    shares = np.array([[window[2][label] for label in labels] for window in windows])
    firsts, lasts = np.searchsorted(ends, edges[:-1], "right"), np.searchsorted(begins, edges[1:], "left")
    columns = [shares[first:last].max(0, initial=0.0) for first, last in zip(firsts, lasts, strict=True)]
    return edges, np.array(columns).T


def outline(samples: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest sample of each of at most ``columns`` stretches of (samples,): two arrays (columns,)."""
    if len(samples) == 0:
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    starts = np.linspace(0, len(samples), min(columns, len(samples)), endpoint=False).astype(np.int64)
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)


def to_bytes(levels_db: np.ndarray, columns: int) -> tuple[np.ndarray, float, float]:
    """Levels (bands, frames) in dB → uint8 (bands, at most ``columns``), and the levels of 0 and 255 in dB.

    Each column is the loudest frame of a stretch; 80 dB of range.
    """
    frames = levels_db.shape[1]
    if frames > columns:
        starts = np.linspace(0, frames, columns, endpoint=False).astype(np.int64)
        levels_db = np.maximum.reduceat(levels_db, starts, axis=1)
    top = float(levels_db.max())
    bottom = max(float(levels_db.min()), top - 80.0)
    shares = np.clip((levels_db - bottom) / max(1e-6, top - bottom), 0, 1)
    return np.round(255 * shares).astype(np.uint8), bottom, top


def _steps(colours: list[str]) -> list[list[Any]]:
    """A scale of Plotly's. In Streamlit #000001 to #000030 stand for colours of the theme: such a black is put beside them."""
    safe = [f"#01{colour[3:]}" if colour.startswith("#0000") else colour for colour in colours]
    return [[number / (len(safe) - 1), colour] for number, colour in enumerate(safe)]


def shade(scale: list[list[Any]], share: float) -> tuple[float, float, float]:
    """The colour of a share on a scale of Plotly's: red, green and blue from 0 to 1."""
    stops = [stop for stop, _ in scale]
    parts = [[int(colour[at : at + 2], 16) / 255 for _, colour in scale] for at in (1, 3, 5)]
    red, green, blue = (float(np.interp(share, stops, part)) for part in parts)
    return red, green, blue


def ink_on(colour: tuple[float, float, float]) -> str:
    """Black or white, whichever can be read better on a colour; its contrast is 4.5 at least."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return INKS[0] if np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.179 else INKS[1]


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
