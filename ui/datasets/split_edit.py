"""A named split is renamed or deleted; who uses it is told first."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.datasets.named_splits import NamedSplit, rename_split
from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import plain
from ui.components import owner_guard
from ui.datasets import summary
from ui.forms import fields

NAMED = "data.named_split"


def menu(name: str, split: NamedSplit) -> None:
    """Rename and delete a split, behind a button.

    Args:
        name: of its data set.
    """
    key = f"split-{name}-{split.split}"
    with st.popover(
        "Edit", icon=":material/edit:", key=f"{key}-menu", on_change="rerun", type="tertiary", help="Rename or delete"
    ):
        if not st.session_state.get(f"{key}-menu"):
            return  # who uses it is looked up once somebody asks
        with errors_in_place():
            from labcore.datasets.split_use import use_of_split

            use = use_of_split(services.workspace(), name, split.split)
            owner_guard.ask(split.who, "Change")
            new = st.text_input("New name", value=split.split, key=f"{key}-new")
            same = new.strip() in ("", split.split)
            action_button(
                "Rename",
                lambda: _rename(name, split, st.session_state[f"{key}-new"]),
                key=f"{key}-rename",
                icon=":material/edit:",
                disabled=same,
            )
            st.divider()
            st.markdown(
                f":orange[:material/warning:] {plain(use.sentence)}. A run that has begun keeps its split."
                if use.runs
                else "No run uses it."
            )
            action_button("Delete", partial(_remove, name, split), key=f"{key}-remove", icon=":material/delete:")


def _rename(name: str, split: NamedSplit, new: str) -> None:
    # another's split was asked about above
    made = rename_split(services.workspace(), name, split.split, new, who=services.visitor_name(), anyone=True)
    _follow(name, split.split, made.split)
    st.query_params["split"] = made.split


def _remove(name: str, split: NamedSplit) -> None:
    from labcore.datasets.split_use import forget_split

    forget_split(services.workspace(), name, split.split, who=services.visitor_name(), anyone=True)
    _follow(name, split.split, None)
    del st.query_params["split"]
    st.toast(f"Deleted the split {plain(split.split)}", icon=":material/check:")


def _follow(name: str, before: str, now: str | None) -> None:
    """Have the form of a training ask for a split by the name that it has now."""
    current = fields.values()
    if current["data.dataset"] == name and current[NAMED] == before:
        current[NAMED] = now
    summary.splits.clear()
