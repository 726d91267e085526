"""Bars beside their names, in Plotly; and how a figure of Plotly's looks on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from ui.app.text import label_names, percent, unmarked
from ui.charts.colours import accents

if TYPE_CHECKING:
    import plotly.graph_objects as go


def probabilities(
    shares: dict[str, float], *, key: str, most: int = 10, limits: Mapping[str, float] | None = None
) -> None:
    """The likeliest labels as bars.

    Args:
        limits: the threshold of each label, drawn as a line across its bar; those that reach it stand out. Without any the likeliest does.
    """
    names = label_names(shares)
    top = sorted(shares.items(), key=lambda item: item[1], reverse=True)[:most]
    strong, weak = accents()
    labels, lengths = [unmarked(names[label]) for label, _ in top], [share for _, share in top]
    texts = [percent(share) for share in lengths]
    colours = [strong] + [weak] * (len(top) - 1)
    if limits:
        colours = [strong if share >= limits[label] else weak for label, share in top]
    figure = bars(labels, lengths, texts, colours, (0, 1.15))
    for place, (label, _) in enumerate(top if limits else []):
        limit = (limits or {})[label]
        figure.add_shape(
            type="line", x0=limit, x1=limit, y0=place - 0.42, y1=place + 0.42, line={"width": 2, "dash": "dot"}
        )
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
