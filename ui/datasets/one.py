"""One data set, a tab a question. A tab is a function of the data set; add a line to :data:`TABS`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from labcore.errors import DatasetError, LabError
from ui.app import services
from ui.app.shell import address_button, place, show_error
from ui.app.text import counted, plain
from ui.components.tabs import tabs
from ui.datasets import check, class_folders, look, manage, split
from ui.datasets.events import tab as events
from ui.datasets.listed import RECORD, WORD, begun
from ui.datasets.opened import opened

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo

TABS: dict[str, Callable[[DatasetInfo], None]] = {
    "Look": look.show,
    "Check": check.show,
    events.TITLE: events.show,
    "Split": split.show,
}
"""Title → what it shows. Only the tab that is open is drawn."""
OF_LAYOUT = {events.TITLE: events.LAYOUT}
"""Title → the layout of the data sets that have the tab; one that is not here is for all."""


def show(info: DatasetInfo) -> None:
    """The tabs of a data set, below its name and what can be done with it."""
    address_button("All data sets", key="all-datasets", icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(info.name), anchor=False, width="content")
        if not info.error:
            st.page_link(
                "pages/train.py", label="Train", icon=":material/model_training:", query_params={"data.dataset": info.name}
            )  # fmt: skip
        if _is_recorded(info.name):
            address_button("Record", {RECORD: info.name}, key="record-more", icon=":material/mic:")
        manage.manage(info.name, "one", then=_follow)
    st.caption(plain(place(info.path)))
    if told := begun(info):
        _begun(info, told)
        return
    if info.error:
        show_error(DatasetError(info.error.rstrip("."), ""))
        events.way_back(info)
        class_folders.show(info)
        return
    with contextlib.suppress(LabError):  # the tab tells why it cannot be read
        _warnings(info)
        class_folders.show(info)
    tabs({title: view for title, view in TABS.items() if OF_LAYOUT.get(title, info.layout) == info.layout}, info)


def _begun(info: DatasetInfo, told: str) -> None:
    if info.layout != events.LAYOUT:
        st.info(f"{told}.", icon=":material/mic:")
        return
    how = "Choose a recording, and draw the first event in its picture. A classifier needs two classes."
    st.info(f"{told}. {how}", icon=":material/new_label:")
    events.begin(info)


def _warnings(info: DatasetInfo) -> None:
    """What is to be told of how it was read, with the labels that count by now."""
    from labcore.datasets.folders import TWO_LEVELS
    from labcore.datasets.headers import left_out

    dataset = opened(info.name).dataset
    told_apart = (each for each in dataset.findings if each.level == "warning" and each.kind != TWO_LEVELS)
    found = [*left_out(dataset.problems), *told_apart]
    if told := list(dict.fromkeys([*info.told, *(each.sentence for each in found)])):
        with st.expander(counted(len(told), "warning"), icon=":material/warning:"):
            for text in told:
                st.markdown(plain(text))


def _is_recorded(name: str) -> bool:
    from labcore.datasets.takes.recorded import is_recorded

    return is_recorded(services.workspace(), name)


def _follow(name: str) -> None:
    """Have the page show the data set by its new name; the list where it was deleted."""
    st.query_params.from_dict({WORD: name} if name else {})
