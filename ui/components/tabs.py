"""Views of one thing behind tabs, of which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.app.shell import errors_in_place


def tabs(views: Mapping[str, Callable[..., None]], *subject: Any, key: str = "tab") -> None:
    """Title → what shows the thing, where there is one; only the tab that is open is drawn, and which one that is stands in the address.

    Args:
        key: its word in the address: ``?tab=…``.
    """
    for tab, view in zip(
        st.tabs(list(views), key=key, on_change="rerun", bind="query-params"), views.values(), strict=True
    ):
        if tab.open:
            with tab, errors_in_place():
                view(*subject)
