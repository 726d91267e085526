"""The Search page: which search is looked at, and what a server remembers of those it has read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from labcore.listing import looked_at
from labcore.search import Report, Search, SearchError, importance, list_searches
from ui import live, people, services
from ui.text import moment_of, plain, told_apart

NEW = "new"


def choose() -> Search | None:
    """The search of the URL; None for a new one, and for one that is gone, which is told. A list of all stands above."""
    known = {search.id: search for search in list_searches(services.workspace())}
    wanted = st.query_params.get("search", "")

    def changed() -> None:
        look_at(st.session_state["search-choice"])

    if known:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.session_state["search-choice"] = wanted if wanted in known else NEW
            st.selectbox(
                "Search",
                [NEW, *known],
                format_func=told_apart(
                    [NEW, *known],
                    lambda name: "New search" if name == NEW else people.listed(title(name), known[name].by),
                ),
                key="search-choice",
                on_change=changed,
                label_visibility="collapsed",
                width=380,
            )
            if wanted in known:
                live.badge(state(known[wanted]))
                if st.button("New search", icon=":material/add:", type="tertiary"):
                    look_at(NEW)
                    st.rerun()
    if wanted and wanted not in known:
        live.gone("search", wanted)
    return known.get(wanted)


def look_at(name: str) -> None:
    """Have the page show a search, or the form of a new one."""
    if name == NEW:
        st.query_params.clear()
    else:
        st.query_params.from_dict({"search": name})


def title(name: str) -> str:
    """A search's id as people read it: ``esc10, 23 Nov 16:48``."""
    stamp, _, rest = name[:15], name[15:16], name[16:]
    return f"{plain(rest.rpartition('-')[0] or rest)}, {moment_of(stamp)}"


def load(search: Search) -> Report:
    """A search as it stands. Its journal is read once a server; after that only what is new.

    Raises:
        SearchError: it cannot be read, whatever the reason.
    """
    reports, broken = looked_at(
        [search], lambda each: each.load(journal(str(each.path), _made(each))), lambda each: f"search {each.id}"
    )
    if broken:
        raise SearchError(str(broken[0]), "Remove it, or put its files back")
    return reports[0]


def shares(search: Search, finished: int) -> dict[str, float]:
    """How much each knob mattered, worked out once for a number of finished trials."""
    return _shares(str(search.path), _made(search), finished)


@st.cache_resource(max_entries=20, show_spinner=False)
def journal(path: str, made: float) -> Any:
    """The journal of a search, kept open."""
    return Search(Path(path)).journal()


@st.cache_data(max_entries=50, show_spinner=False)
def _shares(path: str, made: float, finished: int) -> dict[str, float]:
    return importance(Search(Path(path)), journal(path, made))


def _made(search: Search) -> float:
    """Tells a search from another that took its place."""
    try:
        return search.path.stat().st_ino
    except OSError as error:
        raise SearchError(f"search {search.id} is not there any more", "Choose another one") from error


def state(search: Search) -> str:
    """How a search stands, "unreadable" where nobody can say."""
    try:
        search.settings  # noqa: B018 (looks whether they can be read)
        return search.state(journal(str(search.path), _made(search)))
    except Exception:  # the page tells why when it is looked at
        return "unreadable"
