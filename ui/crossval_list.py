"""Which cross-validation the page shows; kept in the URL."""

from __future__ import annotations

import re

import streamlit as st

from labcore.errors import RunError
from labcore.experiments import CrossValidation, list_crossvals
from labcore.jobs.glances import glance
from ui import live, people, services
from ui.text import moment_of, told_apart

NEW = "new"


def choose() -> CrossValidation | None:
    """The one to look at, with a choice of those there are; None for a new one, and for one that is gone, which is told."""
    known = {each.id: each for each in list_crossvals(services.workspace())}
    wanted = st.query_params.get("crossval", "")

    def chosen() -> None:
        look_at(st.session_state["crossval-choice"])

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if known:
            st.session_state["crossval-choice"] = wanted if wanted in known else NEW
            st.selectbox(
                "Cross-validation",
                [NEW, *known],
                format_func=told_apart(
                    [NEW, *known], lambda name: "New cross-validation" if name == NEW else _listed(known[name])
                ),
                key="crossval-choice",
                on_change=chosen,
                label_visibility="collapsed",
                width=380,
            )
        if wanted in known:
            st.button("New", icon=":material/add:", type="tertiary", on_click=look_at, args=(NEW,))
    if wanted and wanted not in known:
        live.gone("cross-validation", wanted)
    return known.get(wanted)


def look_at(name: str) -> None:
    """Have the page show this one."""
    if name == NEW:
        st.query_params.pop("crossval", None)
    else:
        st.query_params.from_dict({"crossval": name})


def _listed(experiment: CrossValidation) -> str:
    try:
        return people.listed(title(experiment.id), experiment.by)
    except RunError:  # it cannot be read; the page tells when it is looked at
        return title(experiment.id)


def standing(experiment: CrossValidation) -> tuple[str, str]:
    """Who made it and how it stands, "unreadable" where nobody can say."""
    try:
        states = {glance(run).state for run in experiment.runs()}
        order = ("running", "stopping", "queued", "failed", "unreadable", "interrupted", "stopped", "finished")
        return experiment.by, next((state for state in order if state in states), "deleted")
    except Exception:  # the page tells why when it is looked at
        return "", "unreadable"


def title(name: str) -> str:
    """An id as people read it: ``esc10, 24 Nov 00:16:21``."""
    match = re.fullmatch(r"(\d{8}-\d{6})-crossval-(.+)-[0-9a-f]{4}", name)
    if not match:
        return name
    return f"{match[2]}, {moment_of(match[1])}"
