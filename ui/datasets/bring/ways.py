"""The ways in which a data set is brought in, a tab a way. A way is a function that draws it; add a line to :data:`WAYS`.

``?bring=upload`` in the address of the page of data sets opens one.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.components.tabs import tabs
from ui.datasets.bring import here
from ui.datasets.listed import PAGE
from ui.datasets.record import way as record

WORD = "bring"
"""The word of the address that names a way."""
WAYS: dict[str, Callable[[], None]] = {
    "On this machine": here.show,
    "Record": record.show,
}
"""Title → what draws it. Only the tab that is open is drawn."""


def show() -> None:
    """The ways behind tabs, one of them open."""
    wanted = st.query_params.get(WORD, "")
    if wanted not in WAYS and (title := _titles().get(wanted)):
        st.query_params[WORD] = title
    tabs(WAYS, key=WORD)


def link(title: str, label: str, icon: str | None = None) -> None:
    """A link to a way of the page of data sets."""
    st.page_link(PAGE, label=label, icon=icon, query_params={WORD: slug(title)})


def slug(title: str) -> str:
    """A way as it stands in an address: ``on-this-machine``."""
    return title.lower().replace(" ", "-")


def _titles() -> dict[str, str]:
    return {slug(title): title for title in WAYS}
