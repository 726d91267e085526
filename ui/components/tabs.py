"""Views of one thing behind tabs, of which one is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from ui.app.shell import errors_in_place

S = TypeVar("S")


def tabs(views: Mapping[str, Callable[[S], None]], subject: S) -> None:
    """Title → what shows the thing; only the tab that is open is drawn, and which one that is stands in the address (``?tab=…``)."""
    for tab, view in zip(
        st.tabs(list(views), key="tab", on_change="rerun", bind="query-params"), views.values(), strict=True
    ):
        if tab.open:
            with tab, errors_in_place():
                view(subject)
