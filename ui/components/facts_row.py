"""Facts side by side, each under its title."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ui.app.text import plain


def facts_row(facts: Mapping[str, str]) -> None:
    """Title → fact, as many in a line as there is room for."""
    with st.container(horizontal=True, gap="medium"):
        for title, fact in facts.items():
            st.markdown(f":small[:gray[{title}]]  \n{plain(fact)}", width="content")
