"""A learning curve while it is running, and what came of it: the curve beside its baselines, and what more recordings would bring."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import pandas as pd
import streamlit as st

from labcore.curve.job import LearningCurve, leak_note
from labcore.curve.summary import RECIPE, CurveSummary, Level, baseline_text, csv_table, level_text, summarise
from labcore.errors import RunError
from labcore.jobs.glances import glance
from labcore.jobs.status import RESUMABLE
from ui.app import live
from ui.app.shell import download
from ui.app.text import counted, plain
from ui.charts import learning_curve as charts
from ui.components import job_picker, owner_guard, short_jobs
from ui.runs import rows


def show(curve: LearningCurve) -> None:
    """Everything about one learning curve. One that cannot be read says so, and can be removed."""
    try:
        summary = summarise(curve)
    except RunError as error:
        live.damaged(curve.path, error)
        return
    status = glance(curve)
    _head(curve, summary, status.by, active=status.active)
    if status.active:
        short_jobs.follow(curve, "curve", lambda: result(curve))
    else:
        short_jobs.why_not(curve, status)
        result(curve)
    st.header("Runs", anchor=False)
    rows.table(curve.children(), key="runs-curve")


def _head(curve: LearningCurve, summary: CurveSummary, owner: str, *, active: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = PurePath(summary.dataset).name or summary.dataset
        st.markdown(f"**{plain(name)}** :gray[· test fold {plain(summary.fold)}]", width="content")
        owner_guard.started_by(owner)
        if not active and summary.state in RESUMABLE:
            told = "Its runs continue from their last epoch; deleted ones start again."
            owner_guard.resume_button(curve, owner, "Resume", key="curve-resume", help=told)
        download("Table as CSV", lambda: csv_table(summarise(curve)), f"{curve.id}.csv", "text/csv", key="curve-csv")
        if not active:
            job_picker.delete_button(curve, owner, key="curve-delete")


def result(curve: LearningCurve) -> None:
    """The chart, what it says, and the table."""
    summary = summarise(curve)
    done = [size for size in summary.sizes if size.recipe is not None]
    if not done:
        st.caption("The curve appears with the first finished run.")
        return
    st.markdown(plain(summary.sentence))
    for warning in summary.warnings:
        st.markdown(f":orange[:material/warning:] {plain(warning)}")
    if told := leak_note(curve):
        st.markdown(f":orange[:material/warning:] {plain(told)}.")
    charts.curve(_points(summary), key=f"curve-chart-{curve.id}")
    st.caption(
        f"{counted(summary.test_clips, 'clip')} of {counted(summary.test_recordings, 'recording')} in the test fold. "
        "Bars are 95 % intervals by recording of the test fold; the spread over the samples is in the table. Baselines: nearest centroid "
        "on the same training clips, standardised by them, by cosine similarity."
    )
    _table(summary)


def _points(summary: CurveSummary) -> pd.DataFrame:
    """A row a size and classifier."""
    points: list[dict[str, Any]] = []
    for size in summary.sizes:
        for name, level in {RECIPE: size.recipe, **size.baselines}.items():
            if level is not None:
                points.append(
                    {
                        "recordings": size.recordings, "classifier": _title(name), "accuracy": level.accuracy, "low": level.low,
                        "high": level.high, "clips": round(size.clips), "samples": size.finished,
                    }
                )  # fmt: skip
    return pd.DataFrame(points).astype({"low": float, "high": float})


def _title(name: str) -> str:
    return "Recipe" if name == RECIPE else f"Centroid, {baseline_text(name)}"


def _table(summary: CurveSummary) -> None:
    told = []
    for size in summary.sizes:
        levels: dict[str, Level | None] = {RECIPE: size.recipe, **size.baselines}
        row: dict[str, Any] = {"Recordings per class": size.name, "Samples": f"{size.finished} of {size.samples}"}
        if size.recipe is not None:
            row |= {"Training clips": round(size.clips), "Epochs": round(size.epochs)}
        row |= {_title(name): level_text(level) for name, level in levels.items()}
        row["Macro F1"] = size.recipe.macro_f1 if size.recipe else None
        told.append(row)
    st.dataframe(
        pd.DataFrame(told), hide_index=True, alt="Accuracy by training recordings per class", placeholder="–",
        column_config={"Macro F1": st.column_config.NumberColumn(format="%.3f")},
    )  # fmt: skip
