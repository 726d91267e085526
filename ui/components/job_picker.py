"""Which job of a kind a page shows: a list to choose from, kept in the URL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from labcore.jobs.folder import J, JobFolder
from labcore.jobs.glances import about_of, glance, glances
from labcore.jobs.status import JobStatus
from ui.app import live, services
from ui.app.live import PAGES
from ui.app.shell import action_button, controlled, errors_in_place, shows, unseen_heading
from ui.app.text import run_name, told_apart
from ui.components import owner_guard
from ui.forms import url

NEW = "new"


def page(kind: type[J], form: Callable[[], None], view: Callable[[J], None], many: str = "") -> None:
    """The job of the URL, or the form of a new one with what cannot be read. ``many``: several of the kind in a word."""
    with errors_in_place():
        services.manager()
        chosen = choose(kind)
        if chosen is not None:
            job, status = chosen
            shows(lambda: job.there)
            view(job)
            if glance(job).state != status.state:
                st.rerun()  # it began or ended while the page was drawn: what the list says is out of date, and no part may tick
            return
        url.read()
        with live.device_line():
            form()
            live.unreadable(kind, many=many)


def choose(kind: type[J]) -> tuple[J, JobStatus] | None:
    """The job of the URL as the list of those there are shows it; None for a new one, and for one that is gone, which is told."""
    name, word = kind.kind.name, PAGES[kind.kind.room][1]
    wanted = st.query_params.get(word, "")
    every = glances(services.workspace(), kind)
    known = {job.id: (job, status) for job, status in every if job.id == wanted or not about_of(job).archived}

    def listed(option: str) -> str:
        return f"New {name}" if option == NEW else owner_guard.listed(run_name(known[option][0]), known[option][1].by)

    if known:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            options, shown = [NEW, *known], wanted if wanted in known else NEW
            st.selectbox(
                name.capitalize(),
                options,
                index=options.index(shown),
                format_func=told_apart(options, listed),
                label_visibility="collapsed",
                width=380,
                **controlled(f"{word}-choice", shown, partial(look_at, kind), options),
            )
            if wanted in known:
                unseen_heading(run_name(known[wanted][0]))
                live.badge(known[wanted][1].state)
                st.button(f"New {name}", icon=":material/add:", type="tertiary", on_click=look_at, args=(kind, NEW))
    if wanted and wanted not in known:  # an id from the URL; a path in it is none
        live.gone_job(kind, wanted)
    return known.get(wanted)


def look_at(kind: type[JobFolder], name: str) -> None:
    """Have the page show the job of this id, or the form of a new one."""
    if name == NEW:
        st.query_params.clear()
    else:
        st.query_params.from_dict({PAGES[kind.kind.room][1]: name})


def delete_button(job: JobFolder, owner: str, *, key: str) -> None:
    """A button that deletes a job, with the jobs it consists of or without them, behind a question."""

    def delete(runs: bool) -> None:
        services.manager().remove(job, also=job.children() if runs else (), by=services.visitor_name())
        look_at(type(job), NEW)

    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown(f"Delete this {job.kind.name}? {owner_guard.IN_TRASH}")
        owner_guard.ask(owner, "Delete")
        for label, runs in (("Delete its runs too", True), ("Keep the runs", False)):
            action_button(label, partial(delete, runs), key=f"{key}-{runs}", width="stretch")


def start(kind: type[J], *what: object, **more: object) -> None:
    """Put a new job of a kind into the queue, and have the page show it; what it takes as :func:`ui.app.services.ask_for`."""
    look_at(kind, services.ask_for(kind, *what, **more).id)
