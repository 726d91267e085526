"""The ways in which a data set is brought in, a tab a way. A way is a function that draws it; add a line to :data:`WAYS`.

``?bring=upload`` in the address of the page of data sets opens one.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.components.tabs import by_slug, slug, tabs
from ui.datasets.bring import basket, here, standard, upload
from ui.datasets.listed import PAGE
from ui.datasets.record import way as record

WORD = "bring"
"""The word of the address that names a way."""
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
    basket.held()  # also where another way is open: what is not asked for after a reload is removed
    tabs(WAYS, **by_slug({slug(title): title for title in WAYS}, WORD, "bring-open"))


def links() -> None:
    """A link to each of the ways, for other pages."""
    with st.container(horizontal=True, gap="small"):
        for title in WAYS:
            icon = f":material/{ICONS[title]}:" if title in ICONS else None
            st.page_link(PAGE, label=title, icon=icon, query_params={WORD: slug(title)})
