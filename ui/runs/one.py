"""One run, a tab a question. A tab is a function of the run; add a line to :data:`TABS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.app import live
from ui.app.shell import errors_in_place
from ui.app.text import plain, run_name
from ui.components import owner_guard
from ui.runs import evaluation, overview, robustness, unknown

S = TypeVar("S")
TABS: dict[str, Callable[[Run], None]] = {
    "Overview": overview.show,
    "Evaluation": evaluation.show,
    "Robustness": robustness.show,
    "Unknown sounds": unknown.show,
}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(run: Run) -> None:
    """The tabs of a run."""
    status = glance(run)
    back()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(run_name(run))}**", width="content", help=plain(run.id))
        live.badge(status.state)
        if owner_guard.anothers(status.by):
            st.markdown(f":gray[:material/person: Started by] **{owner_guard.whose(status.by)}**", width="content")
    tabs(TABS, run)


def back() -> None:
    """The way to the list."""
    st.page_link("pages/runs.py", label="All runs", icon=":material/arrow_back:")


def tabs(views: Mapping[str, Callable[[S], None]], subject: S) -> None:
    """Views of one thing behind tabs; which one is open stands in the address (``?tab=…``)."""
    for tab, draw in zip(
        st.tabs(list(views), key="tab", on_change="rerun", bind="query-params"), views.values(), strict=True
    ):
        if tab.open:
            with tab, errors_in_place():
                draw(subject)
