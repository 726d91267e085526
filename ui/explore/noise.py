"""Accuracy of a trained run on worse recordings, as its Robustness tab shows it."""

from __future__ import annotations

import streamlit as st

from ui.app import shell
from ui.explore import views
from ui.runs import robustness

LINK = "noise"
"""Names the run in the address of the page."""


def show() -> None:
    """Choose a run; the rest is its tab."""
    with shell.errors_in_place():
        if LINK in st.query_params:
            st.session_state.setdefault("explore-noise-run", st.query_params[LINK])
        run = views.choose_run("explore-noise-run", demo=False)
        if run is None:
            return
        st.query_params[LINK] = run.id
        robustness.show(run)
