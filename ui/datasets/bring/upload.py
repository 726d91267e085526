"""Files from the visitor's own machine: archives, many files, a folder. What they look like is shown, then they are imported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import config

from labcore.datasets.class_folders import OUTER
from labcore.importing.job import Import
from labcore.texts import megabytes
from ui.app import limits, services
from ui.app.shell import action_button, callback, one_of, tell_trouble
from ui.app.text import counted, plain
from ui.datasets import class_folders
from ui.datasets.bring import basket, classes, found, jobs, windows

if TYPE_CHECKING:
    from labcore.datasets.class_folders import ClassFolders
    from labcore.datasets.look import Look
    from labcore.importing.staging import Staging

MODES = {"files": ":material/upload_file: Files or archives", "folder": ":material/folder: Folder"}
TAKES = (
    "WAV, FLAC, Ogg, MP3 and more, a folder a class or loose; zip or tar archives; with them CSV lists, and tables of "
    "Raven, Audacity and others."
)
NAMED = "my-sounds"
MOST_ROWS = 30


def show() -> None:
    """The tab."""
    _uploader()
    tell_trouble("bring-upload")
    staging = basket.held()
    if staging is None:
        basket.sweep()
        return
    if not (staging.all() or staging.left_out):
        return
    with st.container(border=True):
        _contents(staging)
    if not staging.all():
        return
    which = class_folders.chosen(staging.path.name) or OUTER
    key = f"bring-upload {staging.path.name} {staging.revision} {which}"
    about = found.looked(key, staging.title, partial(staging.look, class_folders=which))
    if about is None:
        return
    if not classes.ask(staging, about):
        found.show(about)
        class_folders.ask(about, staging.path.name)
    if about.layout == "annotations":
        if staging.packed().is_open:
            windows.show(str(staging.files), f"{staging.path.name} {staging.revision}")
        else:
            classes.unpack(staging, "Unpack, and show how the recordings are cut")
    if not about.error:
        _import(staging, about)


def _uploader() -> None:
    mode = one_of("What to upload", MODES, key="bring-mode", default="files", label_visibility="collapsed")
    number = st.session_state.setdefault("bring-number", 0)
    bounds = limits.uploads()
    files = st.file_uploader(
        "Sounds, lists and archives",
        accept_multiple_files=True if mode == "files" else "directory",
        key=f"bring-files-{mode}-{number}",
        label_visibility="collapsed",
    )
    largest, most = limits.size(config.get_option("server.maxUploadSize")), limits.size(bounds.megabytes)
    st.caption(
        f"{TAKES} Up to {largest} a file, and {most} or {counted(bounds.files, 'file')} at a time. Hundreds of files "
        "come faster as a zip archive; what is larger is brought in by its path on this machine."
    )
    if files:
        with st.spinner("Storing the files …"):
            callback(partial(basket.put, files), "bring-upload")()
        st.session_state["bring-number"] = number + 1  # an empty one follows
        st.rerun()


def _contents(staging: Staging) -> None:
    """What was uploaded so far, folder by folder, each of which can be deleted."""
    every = staging.all()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Uploaded so far:** {counted(len(every), 'file')}, {megabytes(staging.bytes)}", width="content")
        action_button("Start over", basket.empty, key="bring-start-over", icon=":material/delete:", type="tertiary")
    tops = staging.tops()
    rows = [
        (
            f"{f'**{plain(top)}**' if top else 'In no folder'}: {counted(len(sounds), 'sound')}",
            partial(staging.drop, top),
        )
        for top, sounds in sorted(tops.items())
    ]
    sounds = {path for paths in tops.values() for path in paths}
    rows += [(plain(path.name), partial(staging.drop_file, path)) for path in every if path not in sounds]
    for number, (told, drop) in enumerate(rows[:MOST_ROWS]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(told, width="content")
            action_button("Delete", drop, key=f"bring-drop-{number}", icon=":material/close:", type="tertiary")
    if len(rows) > MOST_ROWS:
        st.caption(f"and {len(rows) - MOST_ROWS} more")
    if staging.left_out:
        _left_out(staging.left_out)


def _left_out(files: list[tuple[str, str]]) -> None:
    with st.expander(f"{counted(len(files), 'file')} not kept as they came", icon=":material/block:"):
        st.markdown("\n".join(f"- {plain(name)} {plain(why)}" for name, why in files[: found.MOST_FILES]))
        if len(files) > found.MOST_FILES:
            st.caption(f"and {len(files) - found.MOST_FILES} more")


def _import(staging: Staging, about: Look) -> None:
    key = f"bring-name-{staging.path.name}"
    typed = st.session_state.setdefault(f"{key}-typed", basket.name())
    name = found.named(staging.name or NAMED, key, typed)
    basket.call(st.session_state[key])
    action_button(
        "Import",
        lambda: start(staging, name(), about.class_folders),
        key="bring-import",
        type="primary",
        icon=":material/library_add:",
        disabled=not found.room(about),
    )


def start(staging: Staging, name: str, class_folders: ClassFolders = OUTER) -> None:
    """Import what was uploaded, as a job that goes on when the tab is closed.

    Raises:
        DatasetError: the name is taken.
        WorkspaceError: the workspace cannot be written.
    """
    jobs.require_free(name)
    jobs.begun(services.ask_for(Import, staging.plan(name, class_folders), staging.files))
    basket.empty()
