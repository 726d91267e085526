"""How long work is shown: its bar while it is running, and what is left of it when it was stopped."""

from __future__ import annotations

import streamlit as st

from ui.app import long_work, services
from ui.app.shell import action_button
from ui.app.text import percent, plain
from ui.app.ticking import ticking

TICK = 0.5


@ticking(TICK)
def bar(work: long_work.LongWork) -> None:
    """How far it is, and a button that stops it. Asks for the page again when it has ended."""
    services.settle_memory_once("long-work")  # else each tick takes time from the work
    if not work.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(work.task.fraction, text=work.line(), width="stretch")
        action_button("Stop", work.stop, key=f"stop-{work.key}", icon=":material/stop:", type="tertiary")


def again(work: long_work.LongWork) -> None:
    """Say that it was stopped, with a button that begins anew."""

    def forget() -> None:
        long_work.held().pop(work.key, None)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{plain(work.name)} :gray[stopped at {percent(work.task.fraction, 0)}]")
        action_button("Restart", forget, key=f"again-{work.key}", icon=":material/replay:", type="tertiary")
