"""What was deleted and can be put back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.catalogue.trash import forget, in_trash, restore
from labcore.jobs.trash import KEPT_DAYS
from ui.app import services
from ui.app.text import ago, counted, plain
from ui.components import owner_guard

MOST = 50


def show() -> None:
    """A line for each, the last deleted first."""
    workspace = services.workspace()
    things = in_trash(workspace)
    st.caption(f"What was deleted stays here for {KEPT_DAYS:.0f} days. Its files still take space.")
    if not things:
        st.markdown(":gray[The trash is empty.]")
        return
    with st.container(border=True, gap="xsmall"):
        for number, thing in enumerate(things[:MOST]):
            there = type(thing.job)(thing.path)
            owner = there.owner
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                by = f" by {plain(thing.by)}" if owner_guard.anothers(thing.by) else ""
                kind = "" if thing.job.kind.room == "runs" else f"{thing.job.kind.name.capitalize()} "
                st.markdown(
                    f"{kind}**{plain(there.name)}**  \n:small[:gray[{plain(thing.job.id)} · deleted {ago(thing.when)}{by}]]",
                    width="stretch",
                )
                owner_guard.guarded_button(
                    "Restore",
                    partial(restore, workspace, thing),
                    owner,
                    key=f"restore-{number}",
                    icon=":material/undo:",
                )
                owner_guard.remove_button(
                    f"**{plain(there.name)}** with all its files",
                    partial(forget, workspace, thing),
                    owner,
                    key=f"forget-{number}",
                )
    if len(things) > MOST:
        st.caption(f"and {counted(len(things) - MOST, 'more')}")
