"""Views of one thing behind tabs, of which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.app.shell import errors_in_place

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
