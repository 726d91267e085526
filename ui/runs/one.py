"""One run, a tab a question. A tab is a function of the run; add a line to :data:`TABS`."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.runs import Run
from ui.app.shell import errors_in_place
from ui.runs import robustness

TABS: dict[str, Callable[[Run], None]] = {"Robustness": robustness.show}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(run: Run) -> None:
    """The tabs of a run; which one is open stands in the address (``?tab=…``)."""
    for tab, draw in zip(st.tabs(list(TABS), on_change="rerun", key="runs-tab"), TABS.values(), strict=True):
        if tab.open:
            with tab, errors_in_place():
                draw(run)
