"""The list of all runs."""

from __future__ import annotations

import streamlit as st

from labcore.runs import Run
from ui.app import live, services
from ui.runs.rows import table


def show() -> None:
    runs = [run for run, _ in live.runs()]
    if not runs:
        st.markdown(":gray[No run yet.]")
        st.page_link("pages/train.py", label="Train a classifier", icon=":material/model_training:")
        return
    table(runs[:100])
    live.unreadable(Run.unreadable(services.workspace()), "run")
