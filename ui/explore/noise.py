"""Accuracy over the signal-to-noise ratio of a trained run, as a short job."""

from __future__ import annotations

from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from labcore.evaluation.jobs import NoisePlan, NoiseTest
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE, JobStatus
from labcore.runs import Run
from labcore.sheets import csv_of_frame
from ui.app import services, shell
from ui.app.text import label_names, percent, plain, run_name
from ui.components import owner_guard, short_jobs
from ui.datasets import summary as data
from ui.explore import charts, views

ALL = ""
LINK = "noise"
"""Names the run in the address of the page."""


def show() -> None:
    """Choose a run and clips, judge it on them with more and more noise, and see the curve."""
    with shell.errors_in_place():
        st.caption("Robustness: accuracy on held-out clips as noise increases.")
        if LINK in st.query_params:
            st.session_state.setdefault("explore-noise-run", st.query_params[LINK])
        run = views.choose_run("explore-noise-run", demo=False)
        if run is None:
            return
        st.query_params[LINK] = run.id
        summary = data.summary(run.config.data.dataset, run.config.data.fold)
        names = {ALL: "all classes", **label_names(summary.counts)}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "Class", list(names), format_func=names.__getitem__, key="explore-noise-label", width=200
            )
            fold = st.selectbox(
                "Fold", summary.folds, index=summary.folds.index(summary.fold), key=f"explore-noise-fold-{run.id}", width=160,
                format_func=lambda name: f"{name}, test fold" if name == summary.fold else f"{name}, trained on",
            )  # fmt: skip
            colour = shell.one_of("Noise", ["white", "pink", "brown"], default="pink", key="explore-noise-colour")
            job, status = last_of(run) or (None, None)
            shell.action_button(
                "Run", partial(start, run, label, fold, colour), key="explore-noise-start", icon=":material/play_arrow:",
                type="primary", disabled=status is not None and status.active,
            )  # fmt: skip
        if fold != summary.fold:
            st.warning(
                "The network was trained on this fold, so the accuracy says little about new clips.",
                icon=":material/warning:",
            )
        if job is not None and status is not None:
            _show(job, status, run)


def last_of(run: Run) -> tuple[NoiseTest, JobStatus] | None:
    """The visitor's last noise test of a run: what another asked for is neither shown nor stopped here."""
    told = ((job, glance(job)) for job in NoiseTest.of_run(run))
    return next(((job, status) for job, status in told if not owner_guard.anothers(status.by)), None)


def start(run: Run, label: str, fold: str, colour: Literal["white", "pink", "brown"]) -> None:
    """Begin to judge a run; one at a time for each run and person."""
    last = last_of(run)
    if last is None or not last[1].active:
        services.ask_for(NoiseTest, NoisePlan(run=run.id, fold=fold, label=label or None, colour=colour))


def _show(job: NoiseTest, status: JobStatus, run: Run) -> None:
    """A noise test while it is running, and what came of it."""
    if status.active:
        short_jobs.follow(job, "explore-noise", lambda: result(job, run))
        return
    short_jobs.why_not(job, status)
    if status.state in RESUMABLE:
        owner_guard.resume_button(job, status.by, key="explore-noise-resume")
    result(job, run, status)


def result(job: NoiseTest, run: Run, status: JobStatus | None = None) -> None:
    """The curve with its intervals, and its numbers. ``status``: where it has ended."""
    results, chosen = job.results, job.chosen
    if not results or chosen is None:
        if status is not None and status.state == "stopped":
            st.info("Stopped before the first result.", icon=":material/info:")
        return
    table = pd.DataFrame([each.model_dump(exclude={"type", "time"}) for each in results]).astype({"snr_db": float})
    clean = table[table["snr_db"].isna()].iloc[0]
    noisy = table[table["snr_db"].notna()].sort_values("snr_db")
    charts.accuracy_in_noise(noisy, float(clean["accuracy"]), job.plan.snrs_db)
    stopped = " Stopped early: results so far." if status is not None and status.state != "finished" else ""
    st.caption(
        f"{plain(run_name(run))}: {percent(float(clean['accuracy']))} without added noise (dashed line). "
        f"Band: 95 % Wilson interval. On {plain(chosen.sentence)}{stopped}"
    )
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(table, hide_index=True, alt="Accuracy by ratio", placeholder="–")
    data, name = csv_of_frame(table), "accuracy-over-snr.csv"
    shell.download("CSV", data, name, "text/csv", key="explore-noise-csv")
