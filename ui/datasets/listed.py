"""A data set in a list: its name, which leads to its page, how much is in it, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from ui.app import services
from ui.app.shell import address_button, place
from ui.app.text import capital, count, counted, plain
from ui.datasets import listen, manage

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

PAGE, WORD, RECORD = "pages/datasets.py", "dataset", "record"
"""The page of data sets, and the words of its address that name one to be looked at, and one to be recorded."""

OPENS = ":material/folder_open:"


def data_set(info: DatasetInfo, prefix: str, *, here: bool = False) -> None:
    """A data set in two lines, and what can be done with it.

    Args:
        prefix: of the widgets' keys.
        here: on the page of data sets, where it is told where it lies, too.
    """
    title = f"**{plain(info.name)}**"
    if here:
        address_button(title, {WORD: info.name}, key=f"{prefix}-{info.name}-open", icon=OPENS)
    else:
        link(info.name, title, OPENS)
    where = f"  \n:small[:gray[{plain(place(info.path))}]]" if here and info.path else ""
    st.markdown(f":small[{size(info)}]{where}")
    with st.container(horizontal=True, gap="small"):
        if not info.error:
            listen.panel(info.name, prefix)
        manage.manage(info.name, prefix)


def size(info: DatasetInfo) -> str:
    """How much is in a data set, or why it cannot be read, as Markdown."""
    if told := begun(info):
        return f":gray[{told}]"
    if info.error:
        return f":red[{plain(info.error)}]"
    rest = f", {count(info.left_out)} left out" if info.left_out else ""
    return f":gray[{counted(info.clips, 'clip')} in {counted(info.classes, 'class', 'classes')}{rest}]"


def begun(info: DatasetInfo) -> str:
    """What is there of a data set that is being recorded or labelled and has too little to be read yet, in words; "" for any other."""
    if not info.error:
        return ""
    from labcore.datasets.takes.recorded import begun
    from labcore.datasets.timed.dataset import LAYOUT

    if info.layout == LAYOUT:
        return "No event is labelled yet"
    return capital(begun(services.workspace(), info.name))


def link(name: str, label: str, icon: str | None = None, *, tab: str = "") -> None:
    """A link to the page of a data set, or to a tab of it."""
    st.page_link(PAGE, label=label, icon=icon, query_params={WORD: name, **({"tab": tab} if tab else {})})
