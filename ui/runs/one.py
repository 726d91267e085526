"""One run, a tab a question. A tab is a function of the run; add a line to :data:`TABS`."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.catalogue.rows import Row, row_of
from labcore.runs import Run
from ui.app import live
from ui.app.shell import address_button, heading
from ui.app.text import plain
from ui.components import owner_guard
from ui.components.tabs import tabs
from ui.runs import (
    actions,
    alarms,
    correct,
    evaluation,
    labels,
    mistakes,
    one_label,
    overview,
    report,
    robustness,
    rows,
    unknown,
)

TABS: dict[str, Callable[[Run], None]] = {
    "Overview": overview.show,
    "Evaluation": evaluation.show,
    "Mistakes": mistakes.show,
    "Labels": one_label.only(labels.show, one_label.LABELS),
    "Correct": one_label.only(correct.show, one_label.CORRECT),
    "Robustness": one_label.only(robustness.show, one_label.ROBUSTNESS),
    "Unknown sounds": one_label.only(unknown.show, one_label.UNKNOWN),
    "False alarms": one_label.only(alarms.show, one_label.ALARMS),
}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(run: Run) -> None:
    """The tabs of a run, below its name and what can be done with it."""
    head(row_of(run))
    tabs(TABS, run)


def head(row: Row) -> None:
    """What is shown, how it stands, and what can be done with it."""
    back()
    actions.undo_line()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        star = ":material/star: " if row.about.star else ""
        kind = "" if row.is_run else f"{row.job.kind.name.capitalize()} "
        heading(plain(rows.name(row)), before=f"{star}{kind}", level=2, width="content", help=plain(row.id))
        live.badge(row.state)
        for tag in row.about.tags:
            st.badge(plain(tag), color="gray")
        owner_guard.started_by(row.by)
    if row.about.note:
        st.caption(plain(row.about.note))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        actions.buttons([row])
        if row.has_clips and row.state != "unreadable":
            report.buttons([row.id])


def back() -> None:
    """The way to the list."""
    address_button("All runs", key="all-runs", icon=":material/arrow_back:")
