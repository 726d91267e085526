"""What a server remembers of the searches that it has read: their journals are read once, after that only what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from labcore.jobs.listing import looked_at
from labcore.search.folder import Search, SearchError
from labcore.search.report import SearchReport, importance


def load(search: Search) -> SearchReport:
    """A search as it stands. Its journal is read once a server; after that only what is new.

    Raises:
        SearchError: it cannot be read, whatever the reason.
    """
    reports, broken = looked_at(
        [search], lambda each: each.report(journal(str(each.path), _made(each))), lambda each: f"search {each.id}"
    )
    if broken:
        raise SearchError(str(broken[0]), "Delete it, or put its files back")
    return reports[0]


def shares(search: Search, finished: int) -> dict[str, float]:
    """How much each setting mattered, worked out once for a number of finished trials."""
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
        raise SearchError(f"search {search.id} no longer exists", "Choose another one") from error
