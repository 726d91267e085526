"""What can be done with the runs that are chosen in the list, and how the last of it is undone."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from labcore.catalogue import Row
from labcore.catalogue.trash import open_deleted, remove, restore
from labcore.errors import LabError, RunError
from labcore.jobs.about import About, change_about, read_about, tagged
from labcore.jobs.trash import KEPT_DAYS
from ui.app import services
from ui.app.shell import action_button, tell_trouble
from ui.app.text import counted, plain
from ui.components import owner_guard

UNDO = "runs-undo"
KEYS = ("runs-name-save", "runs-tags-save", "runs-star", "runs-archive", "runs-delete")
"""Of the buttons for the chosen rows."""


@dataclass(frozen=True)
class Done:
    """What was done last, in words, with what brings back the state before."""

    words: str
    before: tuple[tuple[Path, About], ...] = ()
    deleted: tuple[str, ...] = ()


def change(rows: Sequence[Row], words: str, **changes: Any) -> None:
    """Change what is said of runs, in a way that can be undone.

    Raises:
        LabError: a name, tag or note that cannot be taken; or all of them are gone.
    """
    _change(rows, words, lambda about: changes)


def _change(rows: Sequence[Row], words: str, changes: Callable[[About], dict[str, Any]]) -> None:
    there = [row for row in rows if row.job.there]  # others were deleted in another tab, perhaps
    if not there:
        raise RunError(f"{_told(rows, 'not there any more')}", "The trash may give it back")
    before = [(row.job.path, read_about(row.job.path)) for row in there]
    for path, about in before:
        change_about(path, **changes(about))
    st.session_state[UNDO] = Done(words, before=tuple(before))


def undo_line() -> None:
    """What was done last, with a button that undoes it."""
    done: Done | None = st.session_state.get(UNDO)
    if done is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-undone"):
        st.markdown(f":material/check: {plain(done.words)}", width="content")
        action_button("Undo", partial(_undo, done), key="runs-undo-last", icon=":material/undo:")
        st.button(
            "Dismiss", key="runs-undo-close", type="tertiary", on_click=lambda: st.session_state.pop(UNDO, None)
        )  # fmt: skip


def _undo(done: Done) -> None:
    for path, about in done.before:
        change_about(path, **dataclasses.asdict(about))
    for name in done.deleted:
        with contextlib.suppress(RunError):  # it came back with what it is a part of
            restore(services.workspace(), open_deleted(services.workspace(), name))
    st.session_state.pop(UNDO, None)


def bar(rows: Sequence[Row]) -> None:
    """The buttons for the chosen rows."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-bar"):
        if not rows:
            st.caption("Choose rows to compare, name, tag, archive or delete them.")
            for key in KEYS:  # of rows that are gone by now
                tell_trouble(key)
            return
        st.markdown(f"**{len(rows)} chosen**", width="content")
        sides = [row for row in rows if row.has_clips]
        st.button(
            "Compare", icon=":material/compare_arrows:", key="runs-compare", type="primary", disabled=len(sides) < 2,
            help=None if len(sides) >= 2 else "Choose two runs or cross-validations, or more.",
            on_click=lambda: st.query_params.from_dict({"compare": ",".join(row.id for row in sides)}),
        )  # fmt: skip
        buttons(rows)


def buttons(rows: Sequence[Row]) -> None:
    """What can be done with some rows, whichever page they are on."""
    if len(rows) == 1:
        _name(rows[0])
    _tags(rows)
    stars, archives = not all(row.about.star for row in rows), not all(row.about.archived for row in rows)
    starred = partial(change, rows, _told(rows, "starred" if stars else "star removed"), star=stars)
    _guarded("Star" if stars else "Remove star", starred, rows, key="star", icon=":material/star:")
    put = partial(change, rows, _told(rows, "archived" if archives else "brought back"), archived=archives)
    _guarded("Archive" if archives else "Bring back", put, rows, key="archive", icon=":material/inventory_2:")
    _delete(rows)


def _owner(rows: Sequence[Row]) -> str:
    """Whose they are: another person's name where one of them is."""
    return next((row.by for row in rows if owner_guard.anothers(row.by)), "")


def _guarded(label: str, act: Callable[[], object], rows: Sequence[Row], *, key: str, **looks: Any) -> None:
    owner_guard.guarded_button(label, act, _owner(rows), key=f"runs-{key}", **looks)


def _told(rows: Sequence[Row], verb: str) -> str:
    return f"{rows[0].name}: {verb}" if len(rows) == 1 else f"{counted(len(rows), 'entry', 'entries')}: {verb}"


def _name(row: Row) -> None:
    with st.popover("Name and note", icon=":material/edit:", key="runs-name-asks"):
        st.text_input("Name", value=row.about.name, placeholder=row.name, key=f"runs-name-{row.id}", max_chars=120)
        st.text_area("Note", value=row.about.note, key=f"runs-note-{row.id}", max_chars=4000)
        owner_guard.ask(_owner([row]), "Change")

        def save() -> None:
            given = {"name": st.session_state[f"runs-name-{row.id}"], "note": st.session_state[f"runs-note-{row.id}"]}
            change([row], _told([row], "name and note saved"), **given)

        action_button("Save", save, key="runs-name-save", type="primary")


def _tags(rows: Sequence[Row]) -> None:
    with st.popover("Tags", icon=":material/sell:", key="runs-tags-asks"):
        st.text_input("Add tags", placeholder="one, another", key="runs-tags-add")
        there = sorted({tag for row in rows for tag in row.about.tags}, key=str.casefold)
        if there:
            st.multiselect("Remove tags", there, key="runs-tags-remove")
        owner_guard.ask(_owner(rows), "Change")

        def save() -> None:
            add = str(st.session_state.get("runs-tags-add") or "").split(",")
            gone = st.session_state.get("runs-tags-remove") or []
            _change(rows, _told(rows, "tags saved"), lambda about: {"tags": tagged(about, add, gone)})
            st.session_state["runs-tags-add"] = ""

        action_button("Save", save, key="runs-tags-save", type="primary")


def _delete(rows: Sequence[Row]) -> None:
    """Delete at once, since it can be undone; what is another's is asked for first."""
    parts = sum(len(row.children) for row in rows)
    more = f" with {counted(parts, 'run')}" if parts else ""

    def delete() -> None:
        deleted, trouble = [], None
        for row in rows:
            if not row.job.there:  # it went with what it is a part of
                continue
            try:
                remove(services.manager(), row.job, by=services.visitor_name())
            except LabError as error:
                trouble = error
            else:
                deleted.append(row)
        if deleted:
            words = f"{_told(deleted, 'deleted')}{more}. It stays in the trash for {KEPT_DAYS:.0f} days"
            st.session_state[UNDO] = Done(words, deleted=tuple(row.id for row in deleted))
        if trouble is not None:
            raise trouble

    owners = [row for each in rows for row in each.every()]
    _guarded(f"Delete{more}", delete, owners, key="delete", verb="Delete", icon=":material/delete:")
