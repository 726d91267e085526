"""What the page of data sets shows, by the word of its address: one data set, one that is recorded, or else the list of all."""

from __future__ import annotations

import streamlit as st

from labcore.datasets.names import place_named
from labcore.texts import shown
from ui.app import live, services
from ui.app.shell import errors_in_place, shows
from ui.components import pager
from ui.datasets import one, summary
from ui.datasets.bring import here, jobs, ways
from ui.datasets.listed import RECORD, WORD, data_set
from ui.datasets.record import view as record

AT_ONCE = 20


def show() -> None:
    """The view that the address asks for. A name of something that is gone is told, and the list follows."""
    if added := here.take_added():
        st.query_params.from_dict({WORD: added})
    if wanted := st.query_params.get(RECORD, ""):
        if record.show(wanted):
            return
        live.gone("recorded data set", wanted)
    infos = {shown(info.name): info for info in summary.infos()}
    if wanted := st.query_params.get(WORD, ""):
        name = summary.called_now(wanted)
        if name in infos:
            shows(lambda: place_named(services.workspace(), summary.called_now(name)) is not None)
            one.show(infos[name])
            return
        live.gone("data set", wanted)
    _list(sorted(infos.values(), key=lambda info: bool(info.error)))  # the sound ones first


def _list(infos: list) -> None:
    with errors_in_place():
        jobs.show()
    if not infos:
        live.no_data_yet("demo-datasets", _own)
    left, right = st.columns([1, 1], gap="large") if infos else (None, st.container())
    if left is not None:
        with left, errors_in_place():
            part = pager.part(len(infos), AT_ONCE, key="datasets-page", what="data sets")
            for info in infos[part]:
                with st.container(border=True):
                    data_set(info, "datasets", here=True)
    with right, errors_in_place():
        st.header("Add a data set", anchor=False)
        ways.show()
        if infos and not any(info.name == "demo" for info in infos):
            live.demo_button("demo-datasets-more", kind="secondary")


def _own() -> None:
    st.markdown(
        "Or bring your own sounds below: clips of at least two classes, which a classifier learns to tell apart."
    )
