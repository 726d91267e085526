"""One run, a tab a question. A tab is a function of the run; add a line to :data:`TABS`."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.catalogue.rows import Row, row_of
from labcore.runs import Run
from ui.app import live
from ui.app.shell import address_button
from ui.app.text import plain
from ui.components import owner_guard
from ui.components.tabs import tabs
from ui.runs import actions, alarms, correct, evaluation, labels, mistakes, overview, report, robustness, rows, unknown

TABS: dict[str, Callable[[Run], None]] = {
    "Overview": overview.show,
    "Evaluation": evaluation.show,
    "Mistakes": mistakes.show,
    "Labels": labels.show,
    "Correct": correct.show,
    "Robustness": robustness.show,
    "Unknown sounds": unknown.show,
    "False alarms": alarms.show,
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
        st.markdown(f"{star}{kind}**{plain(rows.name(row))}**", width="content", help=plain(row.id))
        live.badge(row.state)
        for tag in row.about.tags:
            st.badge(plain(tag), color="gray")
        if owner_guard.anothers(row.by):
            st.markdown(f":gray[:material/person: Started by] **{owner_guard.whose(row.by)}**", width="content")
    if row.about.note:
        st.caption(plain(row.about.note))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        actions.buttons([row])
        if row.has_clips and row.state != "unreadable":
            report.buttons([row.id])


def back() -> None:
    """The way to the list."""
    address_button("All runs", key="all-runs", icon=":material/arrow_back:")
