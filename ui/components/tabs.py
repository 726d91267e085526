"""Views of one thing behind tabs, of which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.app.shell import errors_in_place
from ui.forms import url

BOUND = {"key": "tab", "on_change": "rerun", "bind": "query-params"}
"""Which tab is open stands in the address: ``?tab=…``."""


def tabs(views: Mapping[str, Callable[..., None]], *subject: Any, **looks: Any) -> None:
    """Title → what shows the thing, where there is one; only the tab that is open is drawn.

    Args:
        looks: those of ``st.tabs``, in place of :data:`BOUND`.
    """
    for tab, view in zip(st.tabs(list(views), **(looks or BOUND)), views.values(), strict=True):
        if tab.open:
            with tab, errors_in_place():
                view(*subject)


def by_slug(titles: Mapping[str, str], word: str, key: str) -> dict[str, Any]:
    """How ``st.tabs`` looks where the address says at a word of its own which tab is open, by a short name: slug → title of the tab."""

    def keep() -> None:
        st.query_params[word] = slugs[st.session_state[key]]

    slugs, first = {title: each for each, title in titles.items()}, f"{key}-first"
    asked = titles.get(st.query_params.get(word, ""), next(iter(slugs)))
    if key not in st.session_state:  # the page is opened: later addresses are those of :func:`keep`
        st.session_state[first] = asked
    elif url.went_back():
        st.session_state[key] = asked
    return {"key": key, "on_change": keep, "default": st.session_state[first]}


def slug(title: str) -> str:
    """A title as it stands in an address: ``on-this-machine``."""
    return title.lower().replace(" ", "-")
