"""A data set on the pages is renamed and removed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import counted, plain, sentence
from ui.forms import fields


def manage(name: str, prefix: str, label: str = "Edit", then: Callable[[str], None] = lambda name: None) -> None:
    """Rename and remove a data set, behind a button; the runs that use it are named before.

    Args:
        then: called with its new name, "" where it was removed.
    """
    key = f"{prefix}-{name}"
    with st.popover(
        label, icon=":material/edit:", key=f"{key}-menu", on_change="rerun", type="tertiary", help="Rename or delete"
    ):
        if not st.session_state.get(f"{key}-menu"):
            return  # who uses it is looked up once somebody asks
        with errors_in_place():
            from labcore.datasets.keeping import use_of

            use = use_of(services.workspace(), name)
            new = st.text_input("New name", value=name, key=f"{key}-new")
            action_button(
                "Rename",
                lambda: then(_rename(name, st.session_state[f"{key}-new"])),
                key=f"{key}-rename",
                icon=":material/edit:",
                disabled=new.strip() in ("", name) or bool(use.busy),
            )
            st.divider()
            st.markdown(_warning(use))
            action_button(
                "Delete",
                lambda: then(_remove(name)),
                key=f"{key}-remove",
                icon=":material/delete:",
                disabled=bool(use.busy),
            )


def _warning(use) -> str:
    """What removing a data set does, and to which runs and jobs; or why it cannot be removed now."""
    if use.busy:
        stop = "It can be renamed or deleted once that has ended, or was stopped."
        return f":orange[:material/warning:] {plain(sentence(use.busy))} {stop}"
    what = (
        f"Its files in the workspace, at `{plain(use.path)}`, are deleted."
        if use.own
        else "Only the entry is deleted; the files stay."
    )
    runs = f"  \n:orange[:material/warning:] {plain(use.sentence)}." if use.runs else "  \nNo run uses it."
    if use.open and use.own:
        runs += f" {counted(len(use.open), 'of them', 'of them')} can no longer be resumed."
    if use.waiting:
        from labcore.datasets.table import some

        titles = some([job.title for job in use.waiting], 3)
        runs += (
            f"  \n:orange[:material/warning:] {plain(titles)} {'waits' if len(use.waiting) == 1 else 'wait'} for it."
        )
    return what + runs


def _rename(name: str, new: str) -> str:
    from labcore.datasets.keeping import rename

    use = rename(services.workspace(), name, new)
    if fields.values()["data.dataset"] == name:
        fields.values()["data.dataset"] = use.name
    return use.name


def _remove(name: str) -> str:
    from labcore.datasets.keeping import remove

    remove(services.workspace(), name, delete=True)
    if fields.values()["data.dataset"] == name:
        fields.values().update({"data.dataset": "demo", **fields.NO_SPLIT})
    return ""
