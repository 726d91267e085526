"""What is recognised in what somebody brings, before anything of it is imported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from labcore.datasets.folders import INNER_FOLDERS, TWO_LEVELS
from labcore.errors import DatasetError, LabError
from ui.app import long_work, services
from ui.app.shell import action_button, show_error, tell
from ui.app.text import capital, counted, plain, sentence
from ui.components import long_bar

if TYPE_CHECKING:
    from labcore.datasets.look import Look
    from labcore.datasets.table import Finding
    from labcore.jobs.following import OnProgress

MOST_LABELS, MOST_FILES = 60, 50
FILES = {"cannot be read": ("file", "files"), "left out": ("file or row", "files or rows")}


def looked(key: str, name: str, look: Callable[[OnProgress], Look]) -> Look | None:
    """What a look finds, which goes on beside the page; None while it does, where it was stopped, and where it failed, which is told.

    Args:
        key: tells it from any other look, and begins with the part of the page that asks.
        name: of what is looked at.
    """
    group = key.partition(" ")[0]
    long_work.keep(group, [key])
    going = long_work.start(key, name, group, "Looking at", lambda share: look(partial(_told, share)))
    if going.running or going.stopped:
        (long_bar.bar if going.running else long_bar.again)(going)
        return None
    try:
        found: Look = going.result
    except LabError as error:
        show_error(error)
        action_button("Look again", lambda: long_work.held().pop(key, None), key=f"{group}-again", type="tertiary")
        return None
    return found


def _told(share: Callable[[float], None], done: int, total: int) -> None:
    share(min(1.0, done / total) if total else 0.0)


def show(about: Look) -> None:
    """What it looks like; its labels; what cannot be read or is left out, by name; and what else is to know."""
    if about.error:
        _not_recognised(about)
        return
    st.success(f"{plain(capital(about.sentence))}.", icon=":material/search_check:")
    many = "  ·  ".join(f"**{plain(label)}** {count}" for label, count in about.labels[:MOST_LABELS])
    more = len(about.labels) - MOST_LABELS
    st.markdown(f":small[Clips by class: {many}{f' and {more} more' if more > 0 else ''}]")
    several = f" {counted(about.several, 'clip')} with several labels." if about.several else ""
    groups = (
        f" {counted(about.groups, 'group')} of clips that stay together in a split."
        if about.groups < about.clips
        else ""
    )
    st.caption(f"{plain(sentence(about.fold_note))}{groups}{several}")
    _files("cannot be read", about.unreadable)
    _files("left out", about.left_out)
    for finding in sorted(about.findings, key=lambda each: each.level != "warning"):
        _finding(finding)


def _not_recognised(about: Look) -> None:
    from labcore.datasets.layouts import KNOWN
    from labcore.datasets.look import known_layouts

    known = about.remedy.rstrip(".") == KNOWN.rstrip(".")
    show_error(DatasetError(about.error, "" if known else about.remedy))
    if about.seen:
        st.caption(plain(sentence(about.seen)))
    _files("cannot be read", about.unreadable)
    if known:
        with st.expander("What is recognised", icon=":material/help:"):
            st.markdown("\n".join(f"- **{plain(title)}**: {plain(tree)}" for title, tree in known_layouts()))


def _files(what: str, files: tuple[tuple[str, str], ...]) -> None:
    if not files:
        return
    with st.expander(f"{counted(len(files), *FILES[what])} {what}", icon=":material/block:", expanded=len(files) <= 8):
        listed = [f"- {plain(path)}: {plain(why)}" for path, why in files[:MOST_FILES]]
        st.markdown("\n".join(listed))
        if len(files) > MOST_FILES:
            st.caption(f"and {len(files) - MOST_FILES} more")


def _finding(finding: Finding) -> None:
    warns = finding.level == "warning"
    mark = ":orange[:material/warning:]" if warns else ":gray[:material/info:]"
    chosen_below = finding.kind in (TWO_LEVELS, INNER_FOLDERS)  # the command that says the same is not for a page
    told = finding.what if chosen_below else finding.sentence
    st.markdown(f":small[{mark} {plain(sentence(capital(told)))}]")


def named(about_name: str, key: str, typed: str = "") -> Callable[[], str]:
    """The name that the visitor gives, and that the data set can have; at first a free one like that which is proposed.

    Args:
        typed: the name at first, where it was typed before the page was reloaded.

    Returns:
        What has the name at the moment of a press, also where it was typed just before.
    """
    from labcore.datasets.names import places_of
    from labcore.texts import composed
    from labcore.workspace import slug

    there = places_of(services.workspace())
    first, number = slug(about_name), 2
    while first in there:
        first, number = f"{slug(about_name, 76)}-{number}", number + 1
    st.text_input("Name", value=typed or first, key=key, help="Name in this workspace.")

    def name() -> str:
        return slug(st.session_state[key].strip() or first)

    if name() != composed(st.session_state[key].strip()):
        st.caption(f"Will be called {plain(name())}")
    return name


def room(about: Look) -> bool:
    """Whether the disk has room for what is copied; why not is told."""
    from labcore.importing.work import require_room

    try:
        require_room(services.workspace(), about)
    except LabError as error:
        tell(error)
        return False
    return True
