"""A short job on the page that asked for it: how far it is while it is running, and why it ended without a result."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.errors import LabError
from labcore.jobs.background import tail
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.status import JobStatus
from ui.app import live
from ui.app.shell import show_error
from ui.app.text import plain, progress_line
from ui.components import owner_guard, queue_line


@st.fragment(run_every=live.TICK)
def follow(job: JobFolder, key: str, more: Callable[[], None] = lambda: None) -> None:
    """One that waits or is running, with a button that stops it. ``more`` draws what it has told so far."""
    status = glance(job)
    if not status.active:
        st.rerun()
    line = queue_line.behind(job) if status.state == "queued" else plain(progress_line(status))
    text = f"{job.kind.name.capitalize()}: {line[:1].lower()}{line[1:]}"
    st.progress(status.share, text=text)
    owner_guard.stop_button(job, status.by, key=f"{key}-stop", disabled=status.state == "stopping")
    more()


def why_not(job: JobFolder, status: JobStatus) -> None:
    """Why one that has ended has no whole result; nothing where it has."""
    if status.error:
        show_error(LabError(status.error, status.remedy))
        if lines := tail(job.log):
            with st.expander("Log", icon=":material/notes:"):
                st.code("\n".join(lines), language=None)
    elif status.state == "interrupted":
        st.warning("The process ended unexpectedly (killed, or the machine restarted).", icon=":material/power_off:")
