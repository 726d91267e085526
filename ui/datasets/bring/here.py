"""A folder, an archive or a list on this machine, by its path: looked at, then added as it is, or unpacked into the workspace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.importing.job import Import, ImportPlan
from ui.app import live, long_work, services, tasks
from ui.app.shell import action_button, tell
from ui.app.text import count, counted, plain
from ui.app.ticking import ticking
from ui.datasets import class_folders
from ui.datasets.bring import found, jobs, windows
from ui.forms import fields

if TYPE_CHECKING:
    from labcore.datasets.class_folders import ClassFolders
    from labcore.datasets.look import Look
    from labcore.jobs.following import OnProgress

TYPED, LOOKS, TASK, ADDED = "bring-typed", "bring-looks", "bring-adding", "bring-added"
"""In the session: the path that was typed last, how often somebody pressed Look, the work that adds it, and how many were added."""


def show() -> None:
    """The tab."""
    task: tasks.Task | None = st.session_state.get(TASK)
    if task is not None and task.running:
        _progress()
        return
    key = f"bring-path-{st.session_state.get(ADDED, 0)}"
    st.session_state.setdefault(key, st.session_state.get(TYPED, ""))
    with st.form("bring-here", border=False, enter_to_submit=True):
        path = st.text_input(
            "Folder, archive or CSV file on this machine",
            key=key,
            placeholder="/data/UrbanSound8K",
            help="A folder or CSV file is added as it is: its files are not copied, and may be read-only. An archive is unpacked "
            "into the workspace.",
        )
        if st.form_submit_button("Look", icon=":material/search:"):
            st.session_state.update({TYPED: path, LOOKS: st.session_state.get(LOOKS, 0) + 1})
            st.session_state.pop(TASK, None)
    if task is not None and task.error is not None and TASK in st.session_state:
        tell(task.error)
    if (typed := st.session_state.get(TYPED)) is None:
        return
    key = f"bring-here {st.session_state[LOOKS]} {typed}"
    which = class_folders.chosen(key)
    about = found.looked(f"{key} {which}", typed or "nothing", partial(_look, typed, which))
    if about is None:
        return
    found.show(about)
    class_folders.ask(about, key)
    if about.unlabelled:
        _label(about)
    if about.error:
        return
    if about.layout == "annotations" and not about.archive:
        windows.show(about.path, str(st.session_state[LOOKS]))
    _add(about)


def _look(path: str, which: ClassFolders | None, progress: OnProgress) -> Look:
    from labcore.datasets.look import look

    return look(services.workspace(), path, progress, which)


def _add(about: Look) -> None:
    name = found.named(about.name, f"bring-here-name-{st.session_state[LOOKS]}")
    if about.archive:
        st.caption("The archive is unpacked into the workspace, and stays as it is.")
        label, act, possible = "Import", partial(_import, about, name), found.room(about)
    else:
        st.caption("The files stay where they are; nothing is copied.")
        label, act, possible = "Add data set", partial(_register, about.path, name, about.class_folders), True
    action_button(
        label, act, key="bring-here-add", type="primary", icon=":material/library_add:", disabled=not possible
    )


def _label(about: Look) -> None:
    """Recordings that nothing is said of become a data set whose events are labelled here."""
    st.markdown("**Long recordings?** Add them, and label their events on a time line.")
    name = found.named(about.name, f"bring-here-name-{st.session_state[LOOKS]}")
    st.caption("The files stay where they are; nothing is copied.")
    act = partial(_register, about.path, name, None)
    action_button("Add and label", act, key="bring-here-label", icon=":material/new_label:")


def _import(about: Look, name: Callable[[], str]) -> None:
    jobs.require_free(name())
    jobs.begun(services.ask_for(Import, ImportPlan(path=about.path, name=name(), class_folders=about.class_folders)))
    _forget()


def _forget() -> None:
    st.session_state.pop(TYPED, None)
    st.session_state[ADDED] = st.session_state.get(ADDED, 0) + 1  # the form is empty again
    long_work.keep("bring-here", ())


def _register(path: str, named: Callable[[], str], which: ClassFolders | None) -> None:
    """Begin in the background: headers are read. It goes on when the visitor looks at another page.

    Args:
        which: folders are the classes; None where nothing is said of the recordings.
    """
    jobs.require_free(name := named())
    home, who = services.workspace(), services.visitor_name()

    def work(progress: tasks.Progress) -> Any:
        from labcore.datasets import register
        from labcore.datasets.registry import register_unlabelled

        if which is None:
            return register_unlabelled(home, path, name, who=who)
        return register(home, path, name, progress, class_folders=which, who=who)

    st.session_state[TASK] = task = tasks.Task(work).start()
    task.wait(tasks.SOON)


def take_added() -> str:
    """What has just been added, told once; the page of data sets begins with this.

    Returns:
        Its name; "" where nothing was.
    """
    task: tasks.Task | None = st.session_state.get(TASK)
    if task is None or task.result is None:
        return ""
    info = task.result
    del st.session_state[TASK]
    _forget()
    if not info.clips:  # its events are labelled first
        st.toast(f"Added {plain(info.name)}", icon=":material/check:")
        return str(info.name)
    fields.values().update({"data.dataset": info.name, **fields.NO_SPLIT})
    told = f"{counted(info.clips, 'clip')} of {counted(info.classes, 'class', 'classes')}"
    st.toast(f"Added {plain(info.name)}: {told}", icon=":material/check:")
    return str(info.name)


@ticking(live.TICK)
def _progress() -> None:
    task: tasks.Task | None = st.session_state.get(TASK)
    if task is None or not task.running:
        st.rerun()
        return
    if task.total:
        text = f"Reading headers … {count(task.done)} of {counted(task.total, 'file')}"
    else:
        text = f"Scanning folders … {counted(task.done, 'file')} so far"
    st.progress(task.fraction, text=text)
    action_button("Cancel", task.cancel, key="bring-here-cancel", icon=":material/close:", type="tertiary")
