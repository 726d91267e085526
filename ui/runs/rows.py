"""Some runs as a plain table, each a link to itself."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from labcore.jobs.glances import glance
from labcore.runs import Run
from ui.app import live
from ui.app.text import percent, plain, run_name


def table(runs: Sequence[Run]) -> None:
    """A line a run: its name, how it stands, its accuracy."""
    with st.container(border=True, gap="xsmall"):
        for run in runs:
            status = glance(run)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                with st.container(width="stretch"):
                    st.page_link(
                        "pages/runs.py", label=plain(run_name(run)), query_params={"run": run.id}, help=plain(run.id)
                    )
                with st.container(width=64):
                    st.markdown(percent(status.accuracy), text_alignment="right")
                with st.container(width=116):
                    live.badge(status.state)
