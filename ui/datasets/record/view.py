"""The recorder of one data set (``?record=NAME``): record takes by class, see what is there, play, move and delete takes."""

from __future__ import annotations

import streamlit as st

from labcore.datasets.takes.ledger import Ledger
from labcore.datasets.takes.recorded import RecordedSet, is_recorded
from ui.app import services
from ui.app.shell import address_button, errors_in_place, one_of
from ui.app.text import label_names, plain
from ui.datasets import manage, summary
from ui.datasets.listed import RECORD, WORD
from ui.datasets.record import classes, progress, recorder, takes, undo


def show(wanted: str) -> bool:
    """The recorder of the data set of that name; False where there is none."""
    name = summary.called_now(wanted)
    if not is_recorded(services.workspace(), name):
        return False
    recorded = RecordedSet(services.workspace(), name)
    _head(recorded)
    with errors_in_place():
        _parts(recorded, recorded.read())
    return True


def _head(recorded: RecordedSet) -> None:
    address_button("All data sets", key="all-datasets", icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(plain(recorded.name), anchor=False, width="content")
        address_button("Look", {WORD: recorded.name}, key="record-look", icon=":material/library_music:")
        manage.manage(recorded.name, "record", then=_follow)


def _follow(name: str) -> None:
    st.query_params.from_dict({RECORD: name} if name else {})


def _parts(recorded: RecordedSet, ledger: Ledger) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left, errors_in_place():
        label = _class_at_hand(recorded, ledger)
        if label:
            recorder.show(recorded, ledger, label)
    with right, errors_in_place():
        progress.show(recorded, ledger)
    if label:
        with errors_in_place():
            takes.show(recorded, ledger, label)


def _class_at_hand(recorded: RecordedSet, ledger: Ledger) -> str:
    """The class that is recorded, chosen among all, with what can be done with it; "" where there is none."""
    key = f"record-{recorded.name}-class"
    names = {label: plain(name) for label, name in label_names(ledger.classes).items()}
    label = ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if names:
            if st.session_state.get(key) not in names:
                st.session_state[key] = next(iter(names))
            label = str(one_of("Class", names, key=key))
            classes.edit(recorded, ledger, label)
        classes.add(recorded)
    undo.show(recorded)
    return label
