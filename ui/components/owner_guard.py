"""Whose a thing is, as pages show it: nothing where it is the visitor's own, and a question before another's is touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from labcore.jobs.folder import JobFolder
from labcore.jobs.trash import KEPT_DAYS
from labcore.owners import is_anothers
from ui.app import services
from ui.app.shell import action_button
from ui.app.text import plain

IN_TRASH = f"The trash on the Runs page keeps it for {KEPT_DAYS:.0f} days."


def anothers(owner: str) -> bool:
    """Whether something is not the visitor's."""
    return is_anothers(owner, services.visitor_name())


def whose(owner: str) -> str:
    """The owner's name as Markdown, where it is another person's; "" for one's own and where nobody knows."""
    return plain(owner) if anothers(owner) else ""


def started_by(owner: str) -> None:
    """A line with the owner's name, where it is another person's."""
    if anothers(owner):
        st.markdown(f":gray[:material/person: Started by] **{plain(owner)}**", width="content")


def listed(title: str, owner: str) -> str:
    """An entry of a list to choose from, in plain text: with the owner's name where it is another's."""
    return f"{title} · {owner}" if anothers(owner) else title


def stopped_by(status: Any) -> str:
    """``by Bo``, where a run or a search was stopped by somebody else than the visitor who looks at it; "" otherwise."""
    return f" by {whose(status.stopped_by)}" if anothers(status.stopped_by) else ""


def guarded_button(
    label: str, act: Callable[[], object], owner: str, *, key: str, verb: str = "", **looks: Any
) -> None:
    """An :func:`action_button`, one press for what is the visitor's own; for another's it opens the question first.

    Args:
        verb: what it does, for the question where the label is not a single word: "Stop".
    """
    if not anothers(owner) or looks.get("disabled"):
        action_button(label, act, key=key, **looks)
        return
    verb, asks = verb or label, f"{key}-asks"

    def confirmed() -> None:
        act()
        st.session_state[asks] = False  # else it would stay open over what has changed

    face = {name: looks[name] for name in ("icon", "type", "help") if name in looks}
    with st.popover(label, key=asks, on_change="rerun", **face):
        ask(owner, verb)
        action_button(f"{verb} anyway", confirmed, key=key)


def stop_button(job: JobFolder, owner: str, label: str = "Stop", *, key: str, **looks: Any) -> None:
    """A button that stops a job, or cancels one that is queued."""
    stop = partial(services.manager().stop, job, by=services.visitor_name())
    guarded_button(label, stop, owner, key=key, verb="Stop", icon=":material/stop:", **looks)


def resume_button(job: JobFolder, owner: str, label: str = "Resume", *, key: str, **looks: Any) -> None:
    """A button that puts a job back into the queue."""
    resume = partial(services.manager().resume, job, by=services.visitor_name())
    guarded_button(label, resume, owner, key=key, verb="Resume", icon=":material/play_arrow:", **looks)


def remove_button(what: str, act: Callable[[], object], *owners: str, key: str, kept: bool = False) -> None:
    """A button that deletes something, behind a question; ``owners`` are those whose it is.

    Args:
        kept: it goes into the trash, which the page of runs shows.
    """
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"{key}-asks"):
        st.markdown(f"Delete {what}? {IN_TRASH if kept else 'This cannot be undone.'}")
        for owner in dict.fromkeys(owners):
            ask(owner, "Delete")
        action_button("Delete" if kept else "Delete permanently", act, key=key, icon=":material/delete:")


def ask(owner: str, verb: str) -> None:
    """The question in words, where a thing is another's."""
    if anothers(owner):
        st.markdown(f":orange[:material/person:] **{plain(owner)}** started this. {plain(verb)} it anyway?")
