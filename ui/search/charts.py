"""Figures of the Search page: the trials one after the other, what mattered, and where the good values lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from labcore.config import all_settings
from labcore.search.report import SearchReport, Trial
from ui.app.text import percent, unmarked
from ui.charts.bars import bars, show_figure
from ui.charts.colours import accents, dark
from ui.charts.curves import PADDING, category, measure
from ui.forms.fields import unit_title

BAR = 30
STATES = ["finished", "pruned", "running"]
BEST_SO_FAR = "best so far"


def history(report: SearchReport, *, key: str) -> None:
    """The value of each trial, and the best so far as a line; pruned ones where they were when they were given up."""
    import pandas as pd

    share = report.settings.goal.share
    rows, line = _values(report, report.settings.goal.best)
    frame = pd.DataFrame(rows, columns=["trial", "value", "state", "settings"])
    # Pruned trials stand far behind: the axis is of those that finished, and the others stand at its edge.
    ends = [trial.value for trial in report.trials if trial.value is not None]
    focus = {"domain": _around(ends, share), "clamp": True} if len(set(ends)) > 1 else {"zero": False}
    y = partial(measure, axis={"format": "~%" if share else "~g", "tickCount": 5}, scale={**focus, "nice": True})
    x = measure(
        "trial",
        "trial",
        axis={"grid": False, "format": "d", "tickMinStep": 1, "tickCount": 8},
        scale={"domain": [-0.5, max(3.5, report.settings.trials - 0.5)], "nice": False},
    )
    best_line = {
        "data": {"values": line},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {"x": x, "y": y("best"), "color": {"datum": BEST_SO_FAR}},
    }
    points = {
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
        "encoding": {"x": x, "y": y("value"), **_looks(".1%" if share else ".4f")},
    }
    spec = {"padding": PADDING, "layer": [best_line, points]}
    alt = "Value of each trial, and best so far"
    st.vega_lite_chart(frame, spec, key=key, height=280, width="stretch", alt=alt)


def _values(report: SearchReport, better: Callable[..., float]) -> tuple[list[dict], list[dict]]:
    """The trials that have a value, and the best value up to each of them."""
    rows, line, best = [], [], None
    for trial in report.trials:
        value = reached(trial)
        if value is None or trial.state == "failed":
            continue
        rows.append({"trial": trial.number, "value": value, "state": trial.state, "settings": settings_line(trial)})
        if trial.value is not None:
            best = trial.value if best is None else better(best, trial.value)
        if best is not None:
            line.append({"trial": trial.number, "best": best})
    return rows, line


def _looks(form: str) -> dict[str, Any]:
    """Colour, shape and tooltip of a trial, whose value is written in a form."""
    colours = ["#4FC3B5", "#8CA0A8", "#F2B46B", "#7FA9DE"] if dark() else ["#0B7A75", "#75858C", "#B8721F", "#3F6FA8"]
    legend = {"orient": "top", "title": None, "symbolOpacity": 1}
    return {
        "color": category("state", scale={"domain": [*STATES, BEST_SO_FAR], "range": colours}, legend=legend),
        "shape": category("state", scale={"domain": STATES, "range": ["circle", "cross", "diamond"]}, legend=None),
        "tooltip": [
            measure("trial", "Trial"),
            category("state", title="State"),
            measure("value", "Value", format=form),
            category("settings", title="Settings"),
        ],
    }


def importance(shares: dict[str, float], *, key: str) -> None:
    """How much of the differences between trials each setting explains, as bars."""
    titles = [all_settings()[path].title for path in shares]
    strong, weak = accents()
    lengths = list(shares.values())
    texts = [percent(share, 0) for share in lengths]
    figure = bars(titles, lengths, texts, [strong] + [weak] * (len(lengths) - 1), (0, 1.2 * max(lengths)))
    show_figure(figure, height=BAR * len(lengths) + 24, key=key, alt="Importance of each varied setting")


def slices(report: SearchReport, *, key: str) -> None:
    """The value of the finished trials over each setting, side by side: where the good values lie."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    table = all_settings()
    ranges = report.settings.ranges
    finished = [trial for trial in report.trials if trial.value is not None]
    columns = min(3, len(ranges))
    rows = -(-len(ranges) // columns)
    figure = make_subplots(rows, columns, shared_yaxes=True, vertical_spacing=0.32 / rows, horizontal_spacing=0.03)
    colour, strong = ("#5FA8A0", "#F2B46B") if dark() else ("#7FB0AB", "#C9822B")
    best = report.best.number if report.best else None
    for number, each in enumerate(ranges):
        row, column = number // columns + 1, number % columns + 1
        here = [trial for trial in finished if each.path in trial.changes]
        values = [trial.changes[each.path] for trial in here]
        worded = bool(each.choices)
        figure.add_trace(
            go.Scatter(
                x=[_choice(value) for value in values] if worded else values,
                y=[trial.value for trial in here],
                mode="markers",
                marker={
                    "size": [12 if trial.number == best else 8 for trial in here],
                    "color": [strong if trial.number == best else colour for trial in here],
                },
                customdata=[trial.number for trial in here],
                hovertemplate="trial %{customdata}<br>%{x}<br>%{y}<extra></extra>",
            ),
            row,
            column,
        )
        kind = "category" if worded else "log" if each.log else "linear"
        title = unit_title(table[each.path])
        figure.update_xaxes(type=kind, title=title, title_standoff=10, showgrid=False, nticks=5, row=row, col=column)
        if kind == "category":
            order = [_choice(value) for value in sorted(each.choices, key=_rank)]
            figure.update_xaxes(categoryorder="array", categoryarray=order, row=row, col=column)
        if kind == "log":
            ticks = _ticks(each.low or 1.0, each.high or 1.0)
            figure.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks], row=row, col=column)
    figure.update_yaxes(tickformat=".0%" if report.settings.goal.share else "~g")
    show_figure(figure, height=210 * rows + 20, key=key, alt="Value of the finished trials by each varied setting")


def _around(values: list[float], share: bool) -> list[float]:
    """The span of some values with a margin; shares stay between 0 and 1."""
    low, high = min(values), max(values)
    margin = 0.08 * (high - low)
    return [max(0.0, low - margin), min(1.0, high + margin)] if share else [low - margin, high + margin]


def _choice(value: object) -> str:
    return "auto" if value is None else unmarked(value)


def _rank(value: object) -> tuple[bool, float]:
    """Numbers by size before words, which stay as they were named."""
    number = isinstance(value, int | float)
    return not number, float(value) if isinstance(value, int | float) else 0.0


def _ticks(low: float, high: float) -> list[float]:
    """At most five round numbers of a logarithmic axis."""
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{ten}") for ten in tens for step in steps]
        ticks = [tick for tick in ticks if 0.9 * low <= tick <= 1.1 * high]
        if len(ticks) <= 5:
            break
    return ticks


def reached(trial: Trial) -> float | None:
    """The value of a trial, or where it stood last."""
    return trial.value if trial.value is not None else trial.curve[max(trial.curve)] if trial.curve else None


def settings_line(trial: Trial) -> str:
    """The settings of a trial in a line for people."""
    table = all_settings()
    return ", ".join(f"{table[path].title} {value_word(value)}" for path, value in trial.changes.items())


def value_word(value: Any) -> str:
    return "automatic" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
