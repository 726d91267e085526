"""Data sets on the pages: one is added by its path, renamed and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.app import live, services, tasks
from ui.app.shell import action_button, errors_in_place, tell
from ui.app.text import count, counted, plain, sentence
from ui.forms import fields

TYPED, TROUBLE, ADDED = "data-typed", "data-trouble", "data-added"
"""In the session: the path that was typed last and what went wrong with it, until the next one is added, and how many were."""


def add(prefix: str) -> None:
    """The form that adds a data set by its path, with the progress of that while it goes on.

    Args:
        prefix: of the widgets' keys.
    """
    task = adding()
    if task is not None and task.running:
        st.fragment(_progress, run_every=live.TICK)(prefix)
        return
    if task is not None and task.result is None:
        st.session_state[TROUBLE] = task.error
        del tasks.held()[_name()]
    with st.form(f"{prefix}-add-data-{st.session_state.get(ADDED, 0)}", border=False, enter_to_submit=True):
        path = st.text_input(
            "Folder or CSV file on this machine",
            value=st.session_state.get(TYPED, ""),
            placeholder="/data/UrbanSound8K",
            help="UrbanSound8K, ESC-50, Speech Commands, one folder per class, a CSV file (path, label), or recordings with annotations "
            "(Raven, Audacity and others). Files are not copied.",
        )
        name = st.text_input("Name", placeholder="automatic", help="Name in this workspace.")
        if st.form_submit_button("Add data set", icon=":material/add:"):
            st.session_state.pop(TROUBLE, None)
            st.session_state[TYPED] = path
            _start(path, name.strip())
            st.rerun()
    if trouble := st.session_state.get(TROUBLE):
        tell(trouble)


def adding() -> tasks.Task | None:
    """The data set that the visitor adds, or has just added."""
    return tasks.held().get(_name())


def _name() -> str:
    return f"adding {services.visitor_name()}"


def _start(path: str, name: str) -> None:
    """Begin in the background: folders are looked through and headers read. A person's later wish ends the earlier one."""
    if (before := tasks.held().pop(_name(), None)) is not None:
        before.cancel()
    home = services.workspace()

    def work(progress: tasks.Progress) -> Any:
        from labcore.datasets import register

        return register(home, path, name, progress)

    tasks.begin(_name(), work).wait(tasks.SOON)


def take_added() -> str:
    """Choose a data set that has just been added, and tell what was found in it. A page that shows the form begins with this.

    Returns:
        Its name; "" where none was added.
    """
    task = adding()
    if task is None or task.result is None:
        return ""
    info = task.result
    st.session_state.pop(TYPED, None)
    st.session_state[ADDED] = st.session_state.get(ADDED, 0) + 1  # the form is empty again
    del tasks.held()[_name()]
    fields.values().update({"data.dataset": info.name, **fields.NO_SPLIT})
    found = f"{counted(info.clips, 'clip')} of {counted(info.classes, 'class', 'classes')}"
    st.toast(f"Added {plain(info.name)}: {found}", icon=":material/check:")
    return str(info.name)


def _progress(prefix: str) -> None:
    task = adding()
    if task is None or not task.running:
        st.rerun()
        return
    if task.total:
        text = f"Reading headers … {count(task.done)} of {counted(task.total, 'file')}"
    else:
        text = f"Scanning folders … {counted(task.done, 'file')} so far"
    st.progress(task.fraction, text=text)
    action_button("Cancel", task.cancel, key=f"{prefix}-add-cancel", icon=":material/close:", type="tertiary")


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
                lambda: then(_rename(name, new)),
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
