"""Begin a recorded data set, or go on with one: a way to bring in data."""

from __future__ import annotations

import streamlit as st

from labcore.datasets.takes.ledger import class_names, counts
from labcore.datasets.takes.recorded import RecordedSet, recorded_sets
from labcore.errors import DatasetError, LabError
from ui.app import services
from ui.app.shell import address_button, callback, tell_trouble
from ui.app.text import counted, plain
from ui.datasets.listed import RECORD

LISTED = 5
"""Recorded sets to go on with; the list of data sets has all."""
NAME, CLASSES = "record-name", "record-classes"


def show() -> None:
    """The form, and those that are there."""
    with st.form("record-begin", border=False):
        st.text_area(
            "Classes", key=CLASSES, placeholder="clap\nsnap\nsilence", height=110,
            help="What shall be told apart, one name a line. More can be added later.",
        )  # fmt: skip
        st.text_input("Name", key=NAME, placeholder="automatic", help="Name in this workspace.")
        st.form_submit_button("Begin", icon=":material/mic:", on_click=callback(_begin, "record-begin"))
    tell_trouble("record-begin")
    for recorded in recorded_sets(services.workspace())[:LISTED]:
        _go_on(recorded)


def _begin() -> None:
    classes = class_names(st.session_state.get(CLASSES, ""))
    if not classes:
        raise DatasetError("no class was named", "Name what shall be told apart, one name a line")
    made = RecordedSet.create(services.workspace(), st.session_state.get(NAME, ""), classes)
    st.query_params.from_dict({RECORD: made.name})


def _go_on(recorded: RecordedSet) -> None:
    """A recorded set in a line, which leads to its recorder."""
    try:
        takes = counts(recorded.read())
    except LabError:  # the list of data sets tells of it
        return
    there = f"{counted(sum(takes.values()), 'take')} of {counted(len(takes), 'class', 'classes')}"
    address_button(
        f"Go on with **{plain(recorded.name)}** · {there}", {RECORD: recorded.name}, key=f"record-{recorded.name}-go-on",
        icon=":material/mic:",
    )  # fmt: skip
