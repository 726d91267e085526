"""The classes of a recorded data set: named, renamed, deleted."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.datasets.takes.ledger import Ledger, class_names
from labcore.datasets.takes.recorded import RecordedSet
from ui.app import services
from ui.app.shell import action_button
from ui.app.text import counted
from ui.components import owner_guard
from ui.datasets.record import undo


def add(recorded: RecordedSet) -> None:
    """Name more classes, behind a button."""
    key = f"record-{recorded.name}-add"
    with st.popover("Add class", icon=":material/add:", type="tertiary", key=f"{key}-menu", on_change="rerun"):
        st.text_area("Names", key=f"{key}-names", height=90, help="One name a line, in any script.")
        action_button("Add", partial(_add, recorded, key), key=key, icon=":material/add:")


def _add(recorded: RecordedSet, key: str) -> None:
    names = class_names(st.session_state.get(f"{key}-names", ""))
    recorded.change(lambda ledger: ledger.with_classes(names or [""]))
    st.session_state[f"{key}-names"] = ""
    st.session_state[f"{key}-menu"] = False
    st.session_state[f"record-{recorded.name}-class"] = recorded.read().classes[-len(names)]


def edit(recorded: RecordedSet, ledger: Ledger, label: str) -> None:
    """Rename or delete a class, behind a button."""
    key, takes = f"record-{recorded.name}-edit-{label}", ledger.of_class(label)
    with st.popover("Edit class", icon=":material/edit:", type="tertiary", key=f"{key}-menu"):
        new = st.text_input("New name", value=label, key=f"{key}-new")
        action_button(
            "Rename", lambda: _rename(recorded, label, st.session_state[f"{key}-new"]), key=f"{key}-rename", icon=":material/edit:",
            disabled=new.strip() in ("", label),
        )  # fmt: skip
        st.divider()
        what = f"Deletes the class with {counted(len(takes), 'take')}." if takes else "The class has no take."
        st.markdown(f"{what} It can be undone.")
        for owner in dict.fromkeys(take.by for take in takes):
            owner_guard.ask(owner, "Delete")
        action_button("Delete class", partial(_delete, recorded, label), key=f"{key}-delete", icon=":material/delete:")


def _rename(recorded: RecordedSet, label: str, new: str) -> None:
    place = recorded.read().classes.index(label)
    after = recorded.change(lambda ledger: ledger.renamed(label, new))
    st.session_state[f"record-{recorded.name}-class"] = after.classes[place]
    undo.forget(recorded)  # it may name the class


def _delete(recorded: RecordedSet, label: str) -> None:
    takes = recorded.delete_class(label, who=services.visitor_name(), anyone=True)
    told = f"Deleted the class {label}" + (f" with {counted(len(takes), 'take')}" if takes else "")
    undo.offer(recorded, told, partial(recorded.restore, takes, label))
