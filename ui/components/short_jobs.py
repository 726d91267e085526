"""A short job on the page that asks for it: begun with a press, how far it is while it is running, and why it ended without a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from labcore.errors import LabError
from labcore.jobs.background import tail
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.status import JobStatus
from ui.app import live, services
from ui.app.shell import action_button, show_error
from ui.app.text import plain, progress_line
from ui.app.ticking import ticking
from ui.components import owner_guard, queue_line

J = TypeVar("J", bound=JobFolder)


@ticking(live.TICK)
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


def offer(
    kind: type[J], plan: Any, label: str, *, key: str, help: str, quiet: bool = False, primary: bool = False
) -> None:
    """A button that begins a job of a kind; while somebody's of the same plan is waiting or running, its progress in its place.

    Args:
        plan: what the kind makes one of; what comes of it is for everybody, whoever asked.
    """
    job = last(kind, plan)
    if job is not None and (status := glance(job)).active:
        follow(job, key)
        return

    def start() -> None:
        now = last(kind, plan)
        if now is None or not glance(now).active:
            services.ask_for(kind, plan)

    action_button(
        label, start, key=f"{key}-start", icon=":material/refresh:" if quiet else ":material/play_arrow:",
        type="primary" if primary else "tertiary" if quiet else "secondary", help=help,
    )  # fmt: skip
    if job is not None:
        why_not(job, status)


def last(kind: type[J], plan: Any) -> J | None:
    """The newest job of a kind and plan."""
    return next((job for job in kind.every(services.workspace()) if _is(job, plan)), None)


def _is(job: Any, plan: Any) -> bool:
    try:
        return bool(job.plan == plan)
    except LabError:
        return False


def why_not(job: JobFolder, status: JobStatus) -> None:
    """Why one that has ended has no whole result; nothing where it has."""
    if status.error:
        show_error(LabError(status.error, status.remedy))
        if lines := tail(job.log):
            with st.expander("Log", icon=":material/notes:"):
                st.code("\n".join(lines), language=None)
    elif status.state == "interrupted":
        st.warning("The process ended unexpectedly (killed, or the machine restarted).", icon=":material/power_off:")
