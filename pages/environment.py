"""Environment: is this machine's GPU usable, if not why not, and what is it doing now."""

from collections.abc import Callable

import streamlit as st

from ui.app import shell
from ui.app.ticking import ticking
from ui.environment import monitor, view

shell.open_page("Environment", "Is this machine's GPU usable, and how busy is it?")

with shell.errors_in_place():
    found = view.examination()
    running = found.running

    def part(show: Callable[[view.Examination], None]) -> None:
        with shell.errors_in_place():
            if running and not found.running:
                st.rerun()  # the page around it stops ticking
            show(found)

    follow = ticking(view.TICK if running else None)(part)
    follow(view.head)
    st.header("Now", anchor=False)
    monitor.panel(stale=lambda: view.examination() is not found)
    follow(view.details)
