"""Environment: is this machine's GPU usable, if not why not, and what is it doing now."""

import streamlit as st

from ui import environment, machine, shell

shell.open_page("Environment", "Is this machine's GPU usable, and how busy is it?")

with shell.errors_in_place():
    found = environment.examination()
    running = found.running
    every = environment.TICK if running else None

    @st.fragment(run_every=every)
    def head() -> None:
        with shell.errors_in_place():
            if running and not found.running:
                st.rerun()  # the page around it stops ticking
            environment.head(found)

    @st.fragment(run_every=every)
    def details() -> None:
        with shell.errors_in_place():
            environment.details(found)

    head()
    st.header("Now", anchor=False)
    machine.panel(stale=lambda: environment.examination() is not found)
    details()
