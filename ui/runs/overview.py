"""A run at a glance: its curves, and the way to the page where it trains."""

from __future__ import annotations

import streamlit as st

from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.components import results
from ui.train import state, training_curves


def show(run: Run) -> None:
    events, status = run.events(), glance(run)
    if status.active:
        st.page_link(
            "pages/train.py", label="Watch it train", icon=":material/model_training:", query_params={"run": run.id}
        )
    state.show(run, status, events)
    if status.state == "finished":
        results.show(run, events)
    training_curves.show(run, events, status)
