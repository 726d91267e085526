"""How well unknown sounds are noticed: a run trained again without each of its classes. On the tab of the run, and by itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pandas as pd
import streamlit as st

from labcore.catalogue.rows import row_of, whole_row
from labcore.device import gpu_count
from labcore.errors import LabError
from labcore.evaluation.refusal import LARGEST, REFUSED
from labcore.hidden.events import ClassHidden, mean_auroc, mean_noticed
from labcore.hidden.job import HiddenClasses
from labcore.hidden.recipe import hideable, knows_more, recipe_of, seconds_of
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.runs.asked import asked_for
from labcore.sheets import csv_of_frame
from ui.app import live, services, shell
from ui.app.text import capital, counted, duration, label_names, percent, plain
from ui.charts import hidden as charts
from ui.components import owner_guard, short_jobs
from ui.forms import url
from ui.runs import rows

HELP = """\
Hides one class at a time: the same recipe, fold and seed are trained without its clips. Then the clips of the test fold are scored as for
"none of these": those of the hidden class should be more unknown than the others. It says what to expect of sounds that no class is for."""


def panel(run: Run) -> None:
    """The form, the newest test as far as it is, and what came of it."""
    st.caption(HELP)
    test = next(iter(HiddenClasses.of_run(run)), None)
    status = glance(test) if test is not None else None
    try:
        there = _hideable(str(run.path), run.weights.stat().st_mtime_ns)
    except LabError as error:
        st.info(f"{plain(capital(error.what))}. {plain(error.remedy)}.", icon=":material/info:")
    else:
        _form(run, there, busy=status is not None and status.active)
    if test is not None and status is not None:
        _test(test, status)


def show(test: HiddenClasses) -> None:
    """A test by itself, with its runs."""
    from ui.runs import one  # whose tabs show a test too

    one.head(whole_row(test))
    with shell.errors_in_place():
        base = Run(test.workspace.runs / test.plan.run)
        if base.there:
            st.page_link(
                "pages/runs.py", label=f"Run {plain(rows.name(row_of(base)))}", icon=":material/graphic_eq:",
                query_params={"run": base.id, "tab": "Unknown sounds"},
            )  # fmt: skip
        _test(test, glance(test), alone=True)
        rows.table(test.children(), key="runs-hidden")


def _form(run: Run, there: dict[str, str], *, busy: bool) -> None:
    """Which classes, how many known clips may be refused, and what it will cost. ``there`` is class → why it cannot be hidden."""
    possible = [label for label, why in there.items() if not why]
    names, key = label_names(possible), f"hidden-classes-{run.id}"
    url.take_all("hide", key, possible)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.multiselect(
            "Classes to hide", possible, format_func=names.__getitem__, key=key, width=480,
            placeholder=f"all {len(possible)} classes" if possible else "none can be hidden",
        )  # fmt: skip
        url.tell_all("hide", chosen, [])
        share = st.number_input(
            "Known clips that may be refused (%)", 0.0, 100 * LARGEST, 100 * REFUSED, 1.0, "%g",
            key=f"hidden-share-{run.id}", width=280,
        )  # fmt: skip
        shell.start_button(
            f"Train {counted(len(chosen) or len(possible), 'run')}" if possible else "Train",
            partial(_start, run, tuple(chosen), share / 100), key="hidden-start",
            icon=":material/play_arrow:", type="primary", disabled=busy or not possible,
        )  # fmt: skip
    if possible:
        st.caption(_cost(run, len(chosen) or len(possible)))
    impossible = {label: why for label, why in there.items() if why}
    if impossible:
        told = "; ".join(f"{plain(label)}: {plain(why)}" for label, why in impossible.items())
        st.caption(f"Cannot be hidden: {told}.")
    if told := knows_more(run):
        st.caption(f":orange[:material/warning:] {plain(told)}.")


def _cost(run: Run, runs: int) -> str:
    """What it takes, from the time of the run."""
    one_run = seconds_of(run)
    told = f"Trains {counted(runs, 'run')}, which {'waits' if runs == 1 else 'wait'} in the queue"
    if one_run is None:
        return f"{told}."
    at_once = max(1, gpu_count()) if asked_for(run).runtime.device in ("auto", "cuda") else 1
    side = f", {at_once} at once" if at_once > 1 else ""
    took = f"this run took {duration(one_run)}"
    return f"{told}: about {duration(one_run * -(-runs // at_once))} of training{side}; {took}."


def _start(run: Run, classes: tuple[str, ...], share: float) -> None:
    """Begin a test; of a run one at a time."""
    test = next(iter(HiddenClasses.of_run(run)), None)
    if test is None or not glance(test).active:
        services.ask_for(HiddenClasses, run, classes, share)


def _test(test: HiddenClasses, status: JobStatus, *, alone: bool = False) -> None:
    """A test while it is running, and what came of it."""
    if not alone:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shell.heading("Newest test", width="content")
            live.badge(status.state)
            st.page_link(
                "pages/runs.py", label="Its runs", icon=":material/list_alt:", query_params={"hidden": test.id}
            )
    if status.active:
        short_jobs.follow(test, "hidden", lambda: result(test))
        return
    short_jobs.why_not(test, status)
    if status.state in RESUMABLE:
        told = "Its runs continue from their last epoch; deleted ones start again."
        owner_guard.resume_button(test, status.by, key="hidden-resume", help=told)
    result(test)


def result(test: HiddenClasses) -> None:
    """The means, a bar a class with its interval, and the table."""
    results, all_classes = list(test.results.values()), len(test.members())
    if not results:
        return
    auroc, noticed = mean_auroc(results), mean_noticed(results)
    assert auroc is not None
    with st.container(horizontal=True):
        st.metric(
            "Mean AUROC", f"{auroc:.3f}", width=160,
            help="How often a clip of the hidden class is more unknown than one of the others. 0.5 is chance.",
        )  # fmt: skip
        st.metric(
            "Noticed", percent(noticed), width=160,
            help="Share of the clips of a hidden class that would be answered with none of these, as the mean of the classes.",
        )  # fmt: skip
        st.metric("Known clips refused", percent(test.plan.refused), width=200, help="As was wanted.")
        st.metric("Classes", f"{len(results)} of {all_classes}", width=140)
    table = _table(results)
    charts.classes(table, key=f"hidden-bars-{test.id}")
    st.caption(
        "Lines are 95 % intervals by recording; a class of one recording has none. 0.5, the dashed line, is chance. Clips are those of the "
        "test fold, so few clips of a class make wide intervals."
    )
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(
            table.drop(columns=["name"]), hide_index=True, alt="How well each hidden class is noticed", placeholder="–",
            column_config={
                "class": "Hidden class", "auroc": st.column_config.NumberColumn("AUROC", format="%.3f"),
                "low": st.column_config.NumberColumn("from", format="%.3f"),
                "high": st.column_config.NumberColumn("to", format="%.3f"),
                "noticed": st.column_config.NumberColumn("Noticed", format="percent"),
                "clips": "Clips", "recordings": "Recordings", "known": "Known clips", "predicted_as": "Otherwise predicted as",
            },
        )  # fmt: skip
    shell.download(
        "CSV", csv_of_frame(table.drop(columns=["name"])), "hidden-classes.csv", "text/csv", key="hidden-csv"
    )


def _table(results: Iterable[ClassHidden]) -> pd.DataFrame:
    """A row a class, the one that is noticed best first."""
    told = sorted(results, key=lambda each: each.auroc, reverse=True)
    names = label_names(each.label for each in told)
    return pd.DataFrame(
        [
            {
                "class": each.label,
                "name": names[each.label],
                "auroc": each.auroc,
                "low": each.low,
                "high": each.high,
                "noticed": each.noticed,
                "clips": each.unknown,
                "recordings": each.recordings,
                "known": each.known,
                "predicted_as": ", ".join(f"{label} {count}" for label, count in each.predicted_as.items()),
            }
            for each in told
        ]
    ).astype({"low": float, "high": float})


@st.cache_data(ttl=60, max_entries=16, show_spinner="Reading the data set …")
def _hideable(path: str, changed: int) -> dict[str, str]:
    from pathlib import Path

    run = Run(Path(path))
    recipe_of(run)  # looks at all embeddings
    return hideable(run)
