"""Which of two levels of folders are the classes: chosen before a data set is added, and told and changed of one that is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.class_folders import INNER, OUTER, ClassFolders, choice_of
from labcore.datasets.folders import INNER_FOLDERS, TWO_LEVELS
from ui.app import services
from ui.app.shell import action_button, controlled, one_of
from ui.app.text import ago, capital, plain, sentence
from ui.datasets.opened import opened
from ui.forms import fields

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo
    from labcore.datasets.look import Look

KEPT = "bring-class-folders"
"""In the session: what was chosen before anything is added."""
TITLES: dict[ClassFolders, str] = {OUTER: "The outer folders", INNER: "The inner folders"}
HELP = (
    "Where the outer folders are sources, such as sites, recorders, speakers, machines or months, the inner ones are the classes. "
    "A source is then never on both sides of a split."
)


def chosen(key: str) -> ClassFolders | None:
    """What the visitor chose of what goes by a key; None for nothing yet."""
    kept: dict[str, ClassFolders] = st.session_state.get(KEPT, {})
    return kept.get(key)


def ask(about: Look, key: str) -> None:
    """The choice, where a look found two levels of folders; also where the choice is what is wrong."""
    if about.class_folders != INNER and all(each.kind != TWO_LEVELS for each in about.findings):
        return

    def keep(which: ClassFolders) -> None:
        st.session_state[KEPT] = {key: which}

    now = about.class_folders
    one_of("Classes", TITLES, default=now, help=HELP, **controlled(f"class-folders-{key}", now, keep, TITLES))


def show(info: DatasetInfo) -> None:
    """What a data set is read by, and the button that has it read by the other folders; nothing where there is no choice."""
    choice = choice_of(services.workspace(), info.name)
    inner = choice is not None and choice.class_folders == INNER
    findings = [] if info.error else opened(info.name).dataset.findings
    found = next((each for each in findings if each.kind == (INNER_FOLDERS if inner else TWO_LEVELS)), None)
    if not (inner or found):
        return
    told = capital(found.what) if found else "The inner folders are chosen as the classes"
    with st.container(border=True, key="class-folders"):
        mark = ":gray[:material/account_tree:]" if inner else ":orange[:material/warning:]"
        st.markdown(f"{mark} {plain(sentence(told))}")
        if inner and choice is not None:
            st.caption(f"Chosen {ago(choice.time)}{f' by {plain(choice.who)}' if choice.who else ''}.")
        other = OUTER if inner else INNER
        action_button(
            f"Take the {other} folders as classes",
            partial(_read_by, info.name, other),
            key=f"class-folders-{other}",
            icon=":material/undo:" if inner else ":material/account_tree:",
            help=HELP,
        )


def _read_by(name: str, which: ClassFolders) -> None:
    from labcore.datasets.registry import read_by

    read_by(services.workspace(), name, which, who=services.visitor_name())
    if fields.values()["data.dataset"] == name:
        fields.values().update(fields.NO_SPLIT)
