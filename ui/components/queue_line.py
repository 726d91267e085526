"""What a job waits for, in a line: behind which others it stands, and how long those will take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.queue import QueueState
from labcore.jobs.status import JobStatus
from ui.app import services
from ui.app.shell import start_button
from ui.app.text import counted, duration, job_name, plain
from ui.components import owner_guard

NAMED = 2
"""So many jobs are named, the others counted."""
START_KEYS = "Ctrl+Enter"
"""They save the way through all fields of a form. What takes minutes starts with two keys, not by a slip of one."""
START: dict[str, Any] = {"icon": ":material/play_arrow:", "width": "stretch", "shortcut": START_KEYS}
"""Looks of the button that starts what a form asks for."""
NO_WORKER = "No worker is running. Jobs wait until one is started with `labcore worker`, or as the container's service `worker`."


def behind(job: JobFolder) -> str:
    """What a waiting job waits for, as Markdown: ``Queued behind demo · compact (3 min left) and 2 more jobs``."""
    return each_behind([job])[job.path]


def each_behind(jobs: Sequence[JobFolder]) -> dict[Path, str]:
    """The same of many at one look at the queue: path → line."""
    if services.manager().lacks_worker:
        return {job.path: NO_WORKER for job in jobs}
    ahead = services.manager().ahead_of(jobs)
    lines = {path: f"Queued behind {_named(before)}" for path, before in ahead.items() if before}
    return {job.path: lines.get(job.path, "Next in the queue") for job in jobs}


def start_bar(mine: str, act: Callable[[], object], *, key: str, **looks: Any) -> None:
    """The button that starts what a form asks for, and what that would stand behind."""
    with st.container(key="start-bar"):
        start_button("Start", act, key=key, type="primary", **START, **looks)
    if line := busy(mine):
        st.caption(line)


def busy(mine: str = "this run") -> str:
    """What something that is not queued yet would stand behind, as Markdown; empty where nothing is running."""
    if services.manager().lacks_worker:
        return NO_WORKER
    rows = QueueState(services.workspace()).before("auto")
    if not rows:
        return ""
    waiting = [job for job in rows if glance(job).state == "queued"]
    running = [job for job in rows if job not in waiting]
    parts = [f"Running: {_named(running)}"] * bool(running) + [f"Queue: {_named(waiting)}"] * bool(waiting)
    return f"{'. '.join(parts)}. {counted(len(rows), 'job')} ahead of {mine}."


def _named(jobs: Sequence[JobFolder]) -> str:
    told = [_one(job, glance(job)) for job in jobs[:NAMED]]
    more = len(jobs) - len(told)
    return ", ".join(told) + (f" and {counted(more, 'more job', 'more jobs')}" if more else "")


def _one(job: JobFolder, status: JobStatus) -> str:
    about = [owner_guard.whose(status.by)]
    if status.seconds_left is not None and status.state == "running":
        about.append(f"{plain(duration(status.seconds_left))} left")
    about = [part for part in about if part]
    return plain(job_name(job)) + (f" ({', '.join(about)})" if about else "")
