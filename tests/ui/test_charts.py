"""What charts show: axes that one value does not rule, inks that can be read, bars that tell levels."""

from __future__ import annotations

import html
import math

import numpy as np
import pytest

from labcore.events import Epoch
from tests.made_events import made_epoch
from ui.app.text import clock_span, unmarked
from ui.benchmark import charts as speed_charts
from ui.charts import bars, colours, curves
from ui.charts.curves import ceiling

FALLING = [2.3 * math.exp(-number / 8) for number in range(40)]


def test_a_curve_without_spikes_is_drawn_whole():
    assert ceiling([FALLING]) is None
    assert ceiling([[2.3, 0.9]]) is None
    assert ceiling([[2.3, 0.9, 0.5]]) is None
    assert ceiling([[1.0, 2.0, 3.0, 4.0, 5.0]]) is None
    assert ceiling([[]]) is None
    assert ceiling([[float("nan")] * 5]) is None


@pytest.mark.parametrize("at", [0, 1, 20, 39])
@pytest.mark.parametrize("high", [60.0, 1e9, float("inf")])
def test_one_spike_does_not_rule_the_axis(at, high):
    spiked = [high if number == at else value for number, value in enumerate(FALLING)]
    top = ceiling([spiked, FALLING])
    assert top is not None
    assert max(FALLING) < top < 1.5 * max(FALLING)


def test_three_epochs_are_enough_to_tell_a_spike():
    assert ceiling([[1.1, 40.0, 0.7], [0.9, 0.7, 0.6]]) == pytest.approx(1.15 * 1.1)


def test_what_stays_high_is_no_spike():
    assert ceiling([[1.0, 1.0, 1.0, *([50.0] * 10)]]) is None


def test_a_spike_stands_at_the_edge_with_its_value(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves.st, "vega_lite_chart", lambda frame, spec, **_: drawn.append(frame))
    events = [
        made_epoch(number + 1, train_loss=value, val_loss=40.0 if number == 1 else value, epochs=40, seconds_left=3.0)
        for number, value in enumerate(FALLING)
    ]
    curves.curves(events, "loss", 40, key="k", title="Loss", marks=[])
    (frame,) = drawn
    spike = frame[(frame["epoch"] == 2) & (frame["clips"] == "validation")].iloc[0]
    assert spike["real"] == 40.0
    assert spike["above"] == "40"
    assert spike["value"] < 3
    assert frame["above"].notna().sum() == 1


@pytest.mark.parametrize("share", np.linspace(0, 1, 21))
@pytest.mark.parametrize("ends", [("#f3f0e9", "#075854"), ("#1a2428", "#d3f0e6")])
def test_figures_in_cells_can_be_read(share, ends):
    def light(colour):
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ground = colours.shade(list(ends), share)
    ink = {"#000000": (0, 0, 0), "#ffffff": (1, 1, 1)}[colours.ink_on(ground)]
    low, high = sorted((light(ground), light(ink)))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_a_stretch_reads_as_a_clock_does():
    assert clock_span(0, 4) == "0.00–4.00 s"
    assert clock_span(570.96, 590.31) == "9:30.96–9:50.31"
    assert clock_span(0, 600, 0) == "0:00–10:00"
    assert clock_span(3605, 3607.5) == "1:00:05.00–1:00:07.50"


MARKED = [
    '<a href="https://evil.example">dog</a>',
    "<b>cat</b><br>x",
    "a & b &lt;",
    "$x^2$",
    "%{y}",
    "javascript:1 < 2",
]


def _figures(monkeypatch) -> list:
    drawn: list = []
    monkeypatch.setattr(bars.st, "plotly_chart", lambda figure, **_: drawn.append(figure))
    for module in (colours, speed_charts):
        monkeypatch.setattr(module, "dark", lambda: False)
    return drawn


def _texts(thing) -> list[str]:
    if isinstance(thing, str):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list | tuple) else ()
    return [text for part in parts for text in _texts(part)]


def test_names_of_classes_and_devices_are_no_markup_in_plotly(monkeypatch):
    drawn = _figures(monkeypatch)
    shares = {label: 1 / len(MARKED) for label in MARKED}
    bars.probabilities(shares, key="a")
    long = [f"{text}, and a name that takes two lines: {text}" for text in MARKED]
    for names in (MARKED, long):
        speed_charts.ratios(dict.fromkeys(names, 1.0), key="d", alt="")
        speed_charts.lengths(names, [1.0] * len(names))
        speed_charts.parts(names, [{"mel": 1.0}] * len(names), shares=True, key="f")
    assert len(drawn) == 7
    for figure in drawn:
        tree = figure.to_plotly_json()
        ticks = (
            tree["layout"].get("yaxis", {}).get("ticktext")
        )  # where there are some, they are shown in place of the values
        shown = _texts(list(ticks)) if ticks is not None else _texts([trace.get("y") for trace in tree["data"]])
        for text in shown:
            assert not {"<", ">", "$"} & set(text.replace("<br>", ""))
            assert "%{" not in text


def test_what_is_escaped_for_plotly_reads_as_it_was():
    for text in MARKED:
        assert html.unescape(unmarked(text)) == text


def test_classes_that_are_called_by_numbers_stand_beside_each_other(monkeypatch):
    drawn = _figures(monkeypatch)
    bars.probabilities({"7": 0.5, "1000": 0.3, "2020-01-01": 0.2}, key="a")
    assert drawn[0].layout.yaxis.type == "category"


def test_epochs_that_were_not_evaluated_have_no_point_of_validation():
    rest = {"epochs": 3, "lr": 0.1, "clips_per_second": 9.0, "seconds": 1.0, "seconds_left": 3.0, "averaged": False}
    figures = {"train_loss": 1.0, "val_loss": 1.0, "train_accuracy": 0.5, "val_accuracy": 0.5}
    events = [Epoch(epoch=number, evaluated=number != 2, **figures, **rest) for number in (1, 2, 3)]
    rows = curves._rows(events, "loss", [], curves.SIDES)
    assert [row["epoch"] for row in rows if row["clips"] == "training"] == [1, 2, 3]
    assert [row["epoch"] for row in rows if row["clips"] == "validation"] == [1, 3]
