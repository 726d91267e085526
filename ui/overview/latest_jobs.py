"""The searches and cross-validations that were begun last, on the overview."""

from __future__ import annotations

import contextlib

import streamlit as st

from labcore.errors import LabError
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import glance
from labcore.jobs.kind import folder_class
from ui.app import live, services
from ui.app.live import PAGES
from ui.app.shell import errors_in_place
from ui.app.text import plain
from ui.components import owner_guard
from ui.components.job_picker import title

MOST = 6
LISTED = ("searches", "experiments")
"""Folders of jobs."""


def owner(job: JobFolder) -> str:
    """Whose a job is; "" also where it cannot be read, which the page tells when it is looked at."""
    with contextlib.suppress(LabError):
        return job.owner
    return ""


def show() -> None:
    """Each with how it stands; nothing where there are none."""
    jobs = [job for room in LISTED for job in folder_class(room).every(services.workspace())]
    if not jobs:
        return
    st.header("Searches and cross-validations", anchor=False)
    with st.container(border=True, gap="xsmall"):
        for job in sorted(jobs, key=lambda job: job.id, reverse=True)[:MOST]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"), errors_in_place():
                _line(job)


def _line(job: JobFolder) -> None:
    page, word = PAGES[job.kind.room]
    parts = [job.kind.name.capitalize(), plain(title(job)), owner_guard.whose(owner(job))]
    with st.container(width="stretch"):
        st.page_link(page, label=" · ".join(filter(None, parts)), query_params={word: job.id}, help=plain(job.id))
    with st.container(width=116):
        live.badge(glance(job).state)
