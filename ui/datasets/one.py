"""One data set, a tab a question. A tab is a function of the data set; add a line to :data:`TABS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from labcore.errors import DatasetError
from ui.app.shell import address_button, place, show_error
from ui.app.text import counted, plain
from ui.components.tabs import tabs
from ui.datasets import look, manage, split
from ui.datasets.listed import WORD

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

TABS: dict[str, Callable[[DatasetInfo], None]] = {
    "Look": look.show,
    "Split": split.show,
}
"""Title → what it shows. Only the tab that is open is drawn."""


def show(info: DatasetInfo) -> None:
    """The tabs of a data set, below its name and what can be done with it."""
    address_button("All data sets", key="all-datasets", icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(info.name), anchor=False, width="content")
        if not info.error:
            st.page_link(
                "pages/train.py", label="Train", icon=":material/model_training:", query_params={"data.dataset": info.name}
            )  # fmt: skip
        manage.manage(info.name, "one", then=_follow)
    st.caption(plain(place(info.path)))
    if info.error:
        show_error(DatasetError(info.error.rstrip("."), ""))
        return
    if info.warnings:
        with st.expander(counted(len(info.warnings), "warning"), icon=":material/warning:"):
            for text in info.warnings:
                st.markdown(plain(text))
    tabs(TABS, info)


def _follow(name: str) -> None:
    """Have the page show the data set by its new name; the list where it was deleted."""
    st.query_params.from_dict({WORD: name} if name else {})
