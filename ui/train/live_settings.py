"""Settings changed while a run trains: the panel, its marks on the curves, and the advice that can be followed.

The panel stands in a fragment of its own that does not tick, so that a slider is never drawn anew under the hand that moves it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from labcore.config import Setting, all_settings
from labcore.events import Event, SettingsChanged, each_of
from labcore.owners import clean
from labcore.runs import Run
from labcore.training.pending import EVERYDAY, PendingSettings, live_settings, open_advice
from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import plain
from ui.components import owner_guard
from ui.forms import fields

WHO = {"page": "page", "command": "command line", "file": "file", "lab": "overfitting advisor"}


@st.fragment
def panel(run: Run, owner: str = "") -> None:
    """Sliders for what can be changed now, the values in effect and those asked for, and the buttons that ask for it.

    Args:
        owner: whose run it is; before another's is changed there is a question.
    """
    fold = st.expander("Adjust while training", icon=":material/tune:", key=f"turn-open-{run.id}", on_change="rerun")
    if not fold.open:  # one that is shut costs nothing
        return
    with fold, errors_in_place():
        pending = st.session_state.setdefault(f"turn-{run.id}", PendingSettings())
        pending.look(run)
        table = live_settings()
        _sliders(run, [setting for setting in table if setting.path in EVERYDAY], pending)
        with st.expander("More", icon=":material/tune:"):
            _sliders(run, [setting for setting in table if setting.path not in EVERYDAY], pending)
        changes, undone = pending.changes, pending.undone
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            me = services.visitor_name()
            apply = partial(run.override, changes, by="page", who=me)
            owner_guard.guarded_button(
                "Apply", apply, owner, key="turn-apply", verb="Change", type="primary", disabled=not changes
            )
            undo = partial(run.override, undone, by="page", who=me, reason="undo")
            owner_guard.guarded_button(
                "Undo", undo, owner, key="turn-undo", verb="Change", icon=":material/undo:", type="tertiary",
                disabled=not undone,
            )  # fmt: skip
            st.caption(
                f"To apply: {plain(told(changes))}."
                if changes
                else "Takes effect at the next epoch. Undo restores the starting values."
            )


def _sliders(run: Run, table: list[Setting], pending: PendingSettings) -> None:
    for number, setting in enumerate(table):
        path = setting.path
        if number % 3 == 0:  # rows, so that a narrow page keeps the order
            columns = st.columns(3, gap="large")
        with columns[number % 3]:
            key, counts = f"turn-{run.id}-{path}-{pending.generations[path]}", pending.counts.value(path)
            pending.values[path] = fields.widget_of(setting, pending.values[path], key=key)
            if path in pending.asked:
                st.caption(
                    f":orange[Now: {fields.tidy(counts)}; from the next epoch: {fields.tidy(pending.asked[path])}]"
                )
            elif pending.values[path] != counts:
                st.caption(f"Now: {fields.tidy(counts)}")


def told(changes: dict[str, Any]) -> str:
    """Changes in words: "Dropout 0.4, Mixup 0.5"."""
    table = all_settings()
    return ", ".join(
        f"{table[path].title if path in table else path} {fields.tidy(value)}" for path, value in changes.items()
    )


def marks(events: list[Event]) -> list[dict[str, Any]]:
    """The changes as marks on the curves: ``epoch`` (between the last epoch before it and the first with it) and ``what``."""
    by_number = {(change.epoch, change.number): change for change in each_of(events, SettingsChanged)}
    found: dict[int, list[str]] = {}
    for (epoch, _), event in sorted(by_number.items()):
        found.setdefault(epoch, []).append(f"{told(event.changes)} ({_who(event)})")
    return [{"epoch": max(1.0, epoch - 0.5), "what": "; ".join(whats)} for epoch, whats in found.items()]


def sentence(event: SettingsChanged) -> str:
    """A change as a line of the log."""
    reason = f": {event.reason}" if event.reason else ""
    return f"From epoch {event.epoch}: {told(event.changes)}, changed by {_who(event)}{reason}"


def _who(event: SettingsChanged) -> str:
    """By what means settings were changed, and by whom where that is another than who looks."""
    means, name = WHO.get(event.by, event.by), clean(event.who)
    return f"{name}, {means}" if owner_guard.anothers(name) else means


# --- advice


def advice(run: Run, events: list[Event], owner: str = "") -> None:
    """The latest advice on a run of ``owner``, as long as it is neither followed nor put aside, with buttons for both."""
    event = open_advice(run, events, st.session_state.get(_aside(run), 0))
    if event is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f":material/lightbulb: **After epoch {event.epoch}:** {plain(event.message.rstrip('.'))}. "
            f":gray[Suggested: {plain(told(event.changes))}.]",
            width="stretch",
        )
        reason = f"advice after epoch {event.epoch}"
        follow = partial(run.override, event.changes, by="page", who=services.visitor_name(), reason=reason)
        owner_guard.guarded_button(
            "Apply suggestion", follow, owner, key=f"advice-do-{event.epoch}", verb="Change", type="primary"
        )
        aside = partial(st.session_state.__setitem__, _aside(run), event.epoch)
        action_button("Not now", aside, key=f"advice-not-{event.epoch}", type="tertiary")


def _aside(run: Run) -> str:
    return f"advice-aside-{run.id}"
