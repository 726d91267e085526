"""The ways in which a data set is brought in, a tab a way. A way is a function that draws it; add a line to :data:`WAYS`.

``?bring=upload`` in the address of the page of data sets opens one.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.components.tabs import tabs
from ui.datasets.bring import here, standard, upload
from ui.datasets.listed import PAGE
from ui.datasets.record import way as record
from ui.forms import url

WORD = "bring"
"""The word of the address that names a way."""
OPEN, FIRST = "bring-open", "bring-first"
"""In the session: the tab that is open, and the one that was at first."""
WAYS: dict[str, Callable[[], None]] = {
    "Upload": upload.show,
    "Record": record.show,
    "On this machine": here.show,
    "Standard sets": standard.show,
}
"""Title → what draws it. Only the tab that is open is drawn."""
ICONS = {"Upload": "upload_file", "Record": "mic", "On this machine": "hard_drive", "Standard sets": "inventory_2"}


def show() -> None:
    """The ways behind tabs, one of them open; the address says which one."""

    def keep() -> None:
        st.query_params[WORD] = slug(st.session_state[OPEN])

    titles = {slug(title): title for title in WAYS}
    asked = titles.get(st.query_params.get(WORD, ""), next(iter(WAYS)))
    if OPEN not in st.session_state:  # the page is opened: later addresses are those of :func:`keep`
        st.session_state[FIRST] = asked
    elif url.went_back():
        st.session_state[OPEN] = asked
    tabs(WAYS, key=OPEN, on_change=keep, default=st.session_state[FIRST])


def links() -> None:
    """A link to each of the ways, for other pages."""
    with st.container(horizontal=True, gap="small"):
        for title in WAYS:
            icon = f":material/{ICONS[title]}:" if title in ICONS else None
            st.page_link(PAGE, label=title, icon=icon, query_params={WORD: slug(title)})


def slug(title: str) -> str:
    """A way as it stands in an address: ``on-this-machine``."""
    return title.lower().replace(" ", "-")
