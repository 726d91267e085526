"""The recorder: each recording is kept as a take at once, and what is wrong with it is told at once."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from labcore.datasets.takes.ledger import LONGEST_NAME, Ledger, Take
from labcore.datasets.takes.recorded import RecordedSet
from ui.app import limits, services
from ui.app.shell import action_button, callback, tell_trouble
from ui.app.text import decibels, label_name, plain
from ui.components.microphone import microphone
from ui.datasets.record import undo

SESSION = (
    "What takes have in common beside their class: a person, a place, a day. Once each class was recorded in several sessions, "
    "clips of one session stay in one fold, so that a network is tested on persons, places or days that it has not heard."
)


def show(recorded: RecordedSet, ledger: Ledger, label: str) -> None:
    """The recorder for a class, and what is told of the last take."""
    key = f"record-{recorded.name}"
    st.session_state.setdefault(f"{key}-session", f"{services.visitor_name()} {time.strftime('%Y-%m-%d')}".strip())
    st.text_input("Session", key=f"{key}-session", help=SESSION, max_chars=LONGEST_NAME)
    number = st.session_state.setdefault(f"{key}-number", 0)
    # a new recorder for each take: it is ready for the next one at once
    microphone(key=_widget(recorded, number), on_change=callback(partial(_keep, recorded, label, number), key))
    tell_trouble(key)
    _told(ledger, key)


def _widget(recorded: RecordedSet, number: int) -> str:
    return f"record-{recorded.name}-take-{number}"


def _keep(recorded: RecordedSet, label: str, number: int) -> None:
    """Keep what was recorded; where the take before it was bad and of the same class, in the place of that."""
    recording, key = st.session_state.get(_widget(recorded, number)), f"record-{recorded.name}"
    if recording is None:
        return
    st.session_state[f"{key}-number"] = number + 1
    before: Take | None = st.session_state.pop(f"{key}-bad", None)
    st.session_state.pop(f"{key}-last", None)
    take = recorded.add(
        recording.getvalue(), label, by=services.visitor_name(), session=st.session_state.get(f"{key}-session", ""),
        limits=limits.sound(),
    )  # fmt: skip
    undo.forget(recorded)
    st.session_state[f"{key}-last"] = take
    if before is not None and before.number and before.label == label:
        recorded.delete([before.number], anyone=True)  # the visitor's own, of a moment ago
    if take.levels.verdict != "fine":
        st.session_state[f"{key}-bad"] = take


def _told(ledger: Ledger, key: str) -> None:
    take: Take | None = st.session_state.get(f"{key}-last")
    if take is None or (take.number and take not in ledger.kept):  # it was deleted since, or moved
        return
    if not take.number:
        st.error(f"{take.levels.sentence} Nothing was kept.", icon=":material/mic_off:")
    elif st.session_state.get(f"{key}-bad") is None:
        st.markdown(f":green[:material/check:] {about(take)}")
    else:
        st.warning(
            f"{take.levels.sentence} The next recording of {plain(label_name(take.label))} takes the place of this one.",
            icon=":material/warning:",
        )
        action_button("Keep it", partial(st.session_state.pop, f"{key}-bad", None), key=f"{key}-keep", icon=":material/check:")  # fmt: skip


def about(take: Take) -> str:
    """A take in a line, as Markdown: ``Take 3 of clap · 1.2 s · −12 dBFS``."""
    levels = take.levels
    return f"Take {take.number} of {plain(label_name(take.label))} · {levels.seconds:.1f} s · peak {decibels(levels.peak_db)}"
