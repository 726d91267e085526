"""Environment: is this machine's GPU usable, if not why not, and what is it doing now."""

import streamlit as st

from ui.app import shell
from ui.environment import monitor, view

shell.open_page("Environment", "Is this machine's GPU usable, and how busy is it?")

with shell.errors_in_place():
    found = view.examination()
    running = found.running
    every = view.TICK if running else None

    @st.fragment(run_every=every)
    def head() -> None:
        with shell.errors_in_place():
            if running and not found.running:
                st.rerun()  # the page around it stops ticking
            view.head(found)

    @st.fragment(run_every=every)
    def details() -> None:
        with shell.errors_in_place():
            view.details(found)

    head()
    st.header("Now", anchor=False)
    monitor.panel(stale=lambda: view.examination() is not found)
    details()
