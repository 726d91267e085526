"""Accuracy over the signal-to-noise ratio of a trained run, as a small job in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.runs import Run
from labcore.sheets import csv_of_frame
from ui import data, explore_views, services, shell
from ui.services import Task
from ui.text import counted, label_names, percent, plain, run_name

if TYPE_CHECKING:
    from labcore.explore.snr import SnrCurve

ALL = ""


def show() -> None:
    """Choose a run and clips, judge it on them with more and more noise, and see the curve."""
    with shell.errors_in_place():
        st.caption("Robustness: accuracy on held-out clips as noise increases.")
        run = explore_views.choose_run("explore-noise-run", demo=False)
        if run is None:
            return
        summary = data.summary(run.config.data.dataset, run.config.data.fold)
        names = {ALL: "all classes", **label_names(summary.counts)}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "Class", list(names), format_func=names.__getitem__, key="explore-noise-label", width=200
            )
            fold = st.selectbox(
                "Fold", summary.folds, index=summary.folds.index(summary.fold), key=f"explore-noise-fold-{run.id}", width=160,
                format_func=lambda name: f"{name}, held out" if name == summary.fold else f"{name}, trained on",
            )  # fmt: skip
            colour = st.segmented_control(
                "Noise",
                ["white", "pink", "brown"],
                default="pink",
                required=True,
                key="explore-noise-colour",
                wrap=True,
            )
            name = _name(run)
            task = services.tasks(str(services.workspace().home)).get(name)
            busy = task is not None and task.running
            shell.action_button(
                "Judge", lambda: start(run, label, fold, colour), key="explore-noise-start", icon=":material/play_arrow:",
                type="primary", disabled=busy,
            )  # fmt: skip
        if fold != summary.fold:
            st.warning(
                "The network was trained on this fold: the accuracy says little about new clips.",
                icon=":material/warning:",
            )
        if task is not None:
            follow(name, run)


def start(run: Run, label: str, fold: str, colour: str) -> None:
    """Begin to judge a run; one at a time for each run and person."""
    home = services.workspace()
    held = services.tasks(str(home.home))
    name = _name(run)
    if name in held and held[name].running:
        return
    network = services.classifier(run)
    stop: dict[str, bool] = {}

    def work(progress: Callable[[int, int], None]) -> SnrCurve:
        from labcore.datasets import dataset_of, open_store
        from labcore.evaluation.select import select_clips
        from labcore.explore.snr import accuracy_over_snr

        store = open_store(home, dataset_of(run, home, run.config.data.dataset), network.sample_rate, progress)
        chosen = select_clips(store.table, network.config.data, fold=fold, label=label or None, trained_on=True)
        progress(0, len(chosen.rows))
        return accuracy_over_snr(
            network,
            store,
            chosen.rows,
            clips=chosen.sentence,
            colour=colour,
            should_stop=lambda: "now" in stop,
            progress=progress,
        )

    held[name] = Task(work).start()
    _stops(str(home.home))[name] = stop


def _name(run: Run) -> str:
    """A person's job on a run: what another asked for is neither shown nor stopped here."""
    return f"snr-{run.id}-{services.visitor_name()}"


@st.cache_resource(show_spinner=False)
def _stops(home: str) -> dict[str, dict[str, bool]]:
    """What asks the jobs of a workspace to end."""
    return {}


def follow(name: str, run: Run) -> None:
    """The job while it runs, and what came of it."""
    home = str(services.workspace().home)
    running = services.tasks(home)[name].running

    @st.fragment(run_every=0.5 if running else None)
    def part() -> None:
        task = services.tasks(home)[name]
        if task.running:
            st.progress(
                task.fraction,
                text=f"Judging: {task.done} of {counted(task.total, 'clip')}" if task.total else "Preparing",
            )
            shell.action_button(
                "Stop", lambda: _stops(home)[name].update(now=True), key="explore-noise-stop", icon=":material/stop:"
            )
            return
        if running:
            st.rerun()
        with shell.errors_in_place():
            if task.error or task.failure:
                raise task.error or task.failure  # type: ignore[misc]
            result(task.result, run)

    part()


def result(curve: SnrCurve, run: Run) -> None:
    """The curve with its intervals, and its numbers."""
    table = curve.table
    clean = table[table["snr_db"].isna()].iloc[0]
    noisy = table[table["snr_db"].notna()].sort_values("snr_db")
    if not clean["clips"]:
        st.info("Stopped before the first result.", icon=":material/info:")
        return
    x = {
        "field": "snr_db",
        "type": "quantitative",
        "title": "signal-to-noise ratio (dB)",
        "scale": {"reverse": True, "nice": False},
    }
    y = {"type": "quantitative", "axis": {"format": "%"}, "scale": {"domain": [0, 1]}}
    tooltip = [
        {"field": "snr_db", "title": "ratio (dB)"}, {"field": "accuracy", "format": ".1%"},
        {"field": "low", "format": ".1%"}, {"field": "high", "format": ".1%"}, {"field": "hits"}, {"field": "clips"},
    ]  # fmt: skip
    spec: dict[str, Any] = {
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#7A8288"},
                "encoding": {"y": {"datum": float(clean["accuracy"]), **y}},
            },
            {
                "name": "clean_note",
                "mark": {
                    "type": "text",
                    "align": "right",
                    "baseline": "top" if clean["accuracy"] > 0.9 else "bottom",
                    "dy": 4 if clean["accuracy"] > 0.9 else -4,
                },
                "encoding": {
                    "x": {"value": "width"},
                    "y": {"datum": float(clean["accuracy"]), **y},
                    "text": {"value": "without added noise"},
                },
            },
            {
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "point": True, "strokeWidth": 2},
                "encoding": {"x": x, "y": {"field": "accuracy", "title": "accuracy", **y}, "tooltip": tooltip},
            },
        ]
    }
    st.vega_lite_chart(
        noisy, spec, height=280, width="stretch", key="explore-noise-curve", alt="Accuracy over the ratio"
    )
    stopped = "" if curve.complete else " Stopped early: results so far."
    st.caption(
        f"{plain(run_name(run))}: {percent(float(clean['accuracy']))} without added noise, the dashed line. "
        f"The band is the 95 % Wilson interval. On {plain(curve.clips)}{stopped}"
    )
    with st.expander("Numbers", icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt="Accuracy by ratio", placeholder="–")
    st.download_button(
        "CSV", csv_of_frame(table), file_name="accuracy-over-snr.csv", mime="text/csv", icon=":material/download:",
        on_click="ignore", key="explore-noise-csv",
    )  # fmt: skip
