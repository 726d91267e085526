"""What was done about findings of the check, the newest first: each can be undone, and all of one's own at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from labcore.datasets.annotations import Mending, take_back
from labcore.datasets.mending import mendings_of
from labcore.datasets.registry import name_of
from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import ago, counted, plain, sentence
from ui.components import owner_guard, pager

AT_ONCE = 10


def show(name: str) -> None:
    """The list; nothing where nothing was done."""
    with errors_in_place():
        done = list(reversed(mendings_of(services.workspace(), name)))
        if not done:
            return
        st.subheader("Done", anchor=False)
        st.caption(
            "Kept as annotations of the data set; its files stay as they are. A run tells which of these it began with."
        )
        part = pager.part(len(done), AT_ONCE, key=f"check-done-{name}", what="changes")
        for mending in done[part]:
            _one(name, mending)
        own = [each for each in done if not owner_guard.anothers(each.who)]
        if len(own) > 1:
            label = "Undo all" if len(own) == len(done) else f"Undo all {counted(len(own), 'change')} of yours"
            undo = partial(_undo, name, [each.id for each in own])
            action_button(label, undo, key=f"check-undo-all-{name}", icon=":material/undo:")


def _one(name: str, mending: Mending) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        who = " · ".join(filter(None, [owner_guard.whose(mending.who), ago(mending.time)]))
        why = f"  \n:small[:gray[{plain(sentence(mending.why))}]]" if mending.why else ""
        st.markdown(f"{plain(mending.done)} :gray[· {who}]{why}", width="stretch")
        undo = partial(_undo, name, [mending.id])
        owner_guard.guarded_button(
            "Undo", undo, mending.who, key=f"check-undo-{mending.id}", icon=":material/undo:", type="tertiary"
        )


def _undo(name: str, ids: Sequence[str]) -> None:
    """Take them back, the newest first. What somebody took back meanwhile is done."""
    workspace, who = services.workspace(), services.visitor_name()
    now = name_of(workspace, name)
    there = {each.id for each in mendings_of(workspace, now)}
    for number in ids:
        if number in there:
            take_back(workspace, now, number, who, anyone=True)
