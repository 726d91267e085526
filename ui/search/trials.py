"""The trials of a search as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from labcore.config import all_settings
from labcore.search.report import SearchReport, Trial
from ui.app.shell import heading
from ui.app.text import duration, state_face
from ui.search import charts
from ui.search.charts import value_word

if TYPE_CHECKING:
    import pandas as pd


def show(report: SearchReport) -> None:
    if not report.trials:
        return
    goal = report.settings.goal
    heading("All trials")
    st.dataframe(
        rows_of(report),
        hide_index=True,
        height="content" if len(report.trials) <= 12 else 460,
        column_config={
            "Run": st.column_config.LinkColumn(display_text="open", width="small"),
            "Trial": st.column_config.NumberColumn(width="small"),
            "Value": st.column_config.NumberColumn(
                goal.title,
                format="%.1f %%" if goal.share else "%.4f",
                help="On the validation fold. Pruned trials: the last value.",
            ),
        },
        alt="Trials with states, values and settings",
        placeholder="–",
    )


def rows_of(report: SearchReport) -> pd.DataFrame:
    """A row a trial, the newest first."""
    import pandas as pd

    table, scale = all_settings(), 100 if report.settings.goal.share else 1
    rows = []
    for trial in reversed(report.trials):
        row = {
            "Trial": trial.number,
            "State": _state_word(report, trial),
            "Value": None if (reached := charts.reached(trial)) is None else scale * reached,
            "Epochs": max(trial.curve, default=0),
            **{table[path].title: value_word(value) for path, value in trial.changes.items()},
            "Time": duration(trial.seconds) if trial.seconds is not None else "",
            "Run": f"train?run={trial.run_id}" if trial.run_id else None,
            "Note": trial.note,
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame if any(trial.note for trial in report.trials) else frame.drop(columns="Note")


def _state_word(report: SearchReport, trial: Trial) -> str:
    if trial.state == "running" and not report.active:
        return "Unfinished"
    return state_face(trial.state)[0] + (", best" if report.best is trial else "")
