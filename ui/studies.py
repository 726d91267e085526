"""Searches and cross-validations in one list, for the overview: what several runs were made for."""

from __future__ import annotations

import streamlit as st

from labcore.listing import folders_with
from ui import live, people, services
from ui.shell import errors_in_place
from ui.text import plain

MOST = 6


def latest() -> None:
    """Those that were begun last, newest first, each with how it stands. Nothing where there are none.

    Optuna is loaded where there is a search, and not for a first visit.
    """
    workspace = services.workspace()
    searches = folders_with(workspace.searches, "search.json")
    crossvals = folders_with(workspace.experiments, "experiment.json")
    found = sorted([*searches, *crossvals], key=lambda path: path.name, reverse=True)[:MOST]
    if not found:
        return
    st.header("Searches and cross-validations", anchor=False)
    with st.container(border=True, gap="xsmall"):
        for path in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"), errors_in_place():
                if path in searches:
                    _search(path.name)
                else:
                    _crossval(path.name)


def _search(name: str) -> None:
    from labcore.search import Search
    from ui import search

    each = Search(services.workspace().searches / name)
    _line("pages/search.py", "search", f"Search · {search.title(name)}", name, each.by, search.state(each))


def _crossval(name: str) -> None:
    from labcore.experiments import CrossValidation
    from ui import crossval_list

    each = CrossValidation(services.workspace().experiments / name)
    owner, state = crossval_list.standing(each)
    title = f"Cross-validation · {plain(crossval_list.title(name))}"
    _line("pages/crossval.py", "crossval", title, name, owner, state)


def _line(page: str, parameter: str, title: str, name: str, owner: str, state: str) -> None:
    with st.container(width="stretch"):
        label = " · ".join(filter(None, [title, people.whose(owner)]))
        st.page_link(page, label=label, query_params={parameter: name}, help=plain(name))
    with st.container(width=116):
        live.badge(state)
