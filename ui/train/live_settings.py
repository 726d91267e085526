"""Settings changed while a run trains: the panel, its marks on the curves, and the advice that can be followed.

The panel stands in a fragment of its own that does not tick, so that a slider is never drawn anew under the hand that moves it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from labcore.config import RunConfig, Setting, all_settings, live_config
from labcore.events import Advice, Event, SettingsChanged, each_of, last_of
from labcore.owners import clean
from labcore.runs import Run
from labcore.training.live_settings import LiveSettings
from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import plain
from ui.components import owner_guard
from ui.forms import fields

EVERYDAY = (
    "model.dropout",
    "augment.time_mask",
    "augment.freq_mask",
    "augment.mixup",
    "optim.label_smoothing",
    "optim.lr_factor",
)
"""What is changed most while a run trains; the other settings that can be are folded away."""

WHO = {"page": "page", "command": "command line", "file": "file", "lab": "overfitting advisor"}


def live_settings() -> list[Setting]:
    """The settings that can be changed while a run trains, the everyday ones first."""
    table = {path: setting for path, setting in all_settings().items() if setting.live}
    return [table.pop(path) for path in EVERYDAY if path in table] + list(table.values())


@st.fragment
def panel(run: Run, owner: str = "") -> None:
    """Sliders for what can be changed now, the values in effect and those asked for, and the buttons that ask for it.

    Args:
        owner: whose run it is; before another's is changed there is a question.
    """
    with (
        st.expander(
            "Adjust while training",
            icon=":material/tune:",
            expanded=False,
            key=f"turn-open-{run.id}",
            on_change="rerun",
        ) as it,
        errors_in_place(),
    ):
        if not it.open:  # a fold that is shut costs nothing
            return
        config, events = run.config, run.events()
        counts, asked = live_config(config, events), LiveSettings(run, config).pending()
        wanted = counts.replace(asked)
        held = _held(run, wanted)
        table = live_settings()
        everyday = [setting for setting in table if setting.path in EVERYDAY]
        _sliders(run, everyday, held, counts, asked)
        with st.expander("More", icon=":material/tune:"):
            _sliders(run, [setting for setting in table if setting.path not in EVERYDAY], held, counts, asked)
        changes = {path: value for path, value in held["values"].items() if value != wanted.value(path)}
        back = {setting.path: config.value(setting.path) for setting in table}
        back = {path: value for path, value in back.items() if value != wanted.value(path)}
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            me = services.visitor_name()
            apply = partial(run.override, changes, by="page", who=me)
            owner_guard.guarded_button(
                "Apply", apply, owner, key="turn-apply", verb="Change", type="primary", disabled=not changes
            )
            undo = partial(run.override, back, by="page", who=me, reason="undo")
            owner_guard.guarded_button(
                "Undo", undo, owner, key="turn-undo", verb="Change", icon=":material/undo:", type="tertiary",
                disabled=not back,
            )  # fmt: skip
            st.caption(
                f"To apply: {plain(told(changes))}."
                if changes
                else "Takes effect at the next epoch. Undo restores the starting values."
            )


def _held(run: Run, wanted: RunConfig) -> dict[str, Any]:
    """The values that the sliders show. One that was changed elsewhere follows, and gets a widget of a new name."""
    base = {setting.path: wanted.value(setting.path) for setting in live_settings()}
    held = st.session_state.setdefault(f"turn-{run.id}", {"base": dict(base), "values": dict(base), "names": {}})
    for path, value in base.items():
        if held["base"].get(path) != value:
            held["base"][path] = held["values"][path] = value
            held["names"][path] = held["names"].get(path, 0) + 1
    return held


def _sliders(run: Run, table: list[Setting], held: dict, counts: RunConfig, asked: dict[str, Any]) -> None:
    for number, setting in enumerate(table):
        path = setting.path
        if number % 3 == 0:  # rows, so that a narrow page keeps the order
            columns = st.columns(3, gap="large")
        with columns[number % 3]:
            key = f"turn-{run.id}-{path}-{held['names'].get(path, 0)}"
            held["values"][path] = fields.widget_of(setting, held["values"][path], key=key)
            if path in asked:
                st.caption(
                    f":orange[Now: {fields.tidy(counts.value(path))}; from the next epoch: {fields.tidy(asked[path])}]"
                )
            elif held["values"][path] != counts.value(path):
                st.caption(f"Now: {fields.tidy(counts.value(path))}")


def told(changes: dict[str, Any], before: RunConfig | None = None) -> str:
    """Changes in words: "Dropout 0.2 → 0.4, Mixup 0.5"."""
    table, words = all_settings(), []
    for path, value in changes.items():
        title = table[path].title if path in table else path
        old = ""
        if before is not None and path in table:
            old = f"{fields.tidy(before.value(path))} → "
        words.append(f"{title} {old}{fields.tidy(value)}")
    return ", ".join(words)


def marks(events: list[Event]) -> list[dict[str, Any]]:
    """The changes as marks on the curves: ``epoch`` (between the last epoch before it and the first with it) and ``what``."""
    turns = {(turn.epoch, turn.number): turn for turn in each_of(events, SettingsChanged)}
    found: dict[int, list[str]] = {}
    for (epoch, _), event in sorted(turns.items()):
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
    event = standing_advice(run, events)
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


def standing_advice(run: Run, events: list[Event]) -> Advice | None:
    """The latest advice, unless it was put aside, or something of what it suggests was changed since or is asked for."""
    event = last_of(events, Advice)
    if event is None or not event.changes or st.session_state.get(_aside(run), 0) >= event.epoch:
        return None
    turned = [turn.changes for turn in each_of(events, SettingsChanged) if turn.epoch > event.epoch]
    if any(event.changes.keys() & changes.keys() for changes in [*turned, LiveSettings(run, run.config).pending()]):
        return None
    return event


def _aside(run: Run) -> str:
    return f"advice-aside-{run.id}"
