"""The takes of a class: played, moved to another class, deleted."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.datasets.rows import Row
from labcore.datasets.takes.ledger import Ledger, Take
from labcore.datasets.takes.recorded import RecordedSet
from ui.app import services
from ui.app.shell import action_button
from ui.app.text import ago, decibels, label_names, plain
from ui.components import owner_guard, pager
from ui.components.clip import player
from ui.components.clip_player import LONGEST_SECONDS, wav
from ui.datasets.record import undo

AT_ONCE = 8


def show(recorded: RecordedSet, ledger: Ledger, label: str) -> None:
    """Those of a class, the newest first."""
    takes = ledger.of_class(label)
    name = label_names(ledger.classes)[label]
    st.subheader(f"Takes of {plain(name)}", anchor=False)
    if not takes:
        st.caption("None yet. Press the microphone, make the sound, and press again.")
        return
    for take in takes[pager.part(len(takes), AT_ONCE, key=f"record-{recorded.name}-{label}-page", what="takes")]:
        with st.container(border=True):
            _take(recorded, ledger, take)


def _take(recorded: RecordedSet, ledger: Ledger, take: Take) -> None:
    start, end = take.levels.sound if ledger.trim else (0.0, None)
    row = Row(str(recorded.file_of(take)), take.label, start, end)
    player(_about(take, ledger.trim), partial(wav, row), partial(_change, recorded, ledger, take))


def _about(take: Take, trim: bool) -> str:
    start, end = take.levels.sound
    length = f"{end - start:.1f} of " if trim and end - start < take.levels.seconds else ""
    told = [
        f"Take {take.number}",
        f"{length}{take.levels.seconds:.1f} s",
        f"peak {decibels(take.levels.peak_db)}",
    ]
    if take.levels.seconds > LONGEST_SECONDS:
        told.append(f"the first {LONGEST_SECONDS:.0f} s play")
    if take.levels.verdict != "fine":
        told.append(take.levels.verdict)
    return " · ".join([*told, *([take.session] if take.session else []), ago(take.time)])


def _change(recorded: RecordedSet, ledger: Ledger, take: Take) -> None:
    key = f"record-{recorded.name}-{take.number}"
    others = {label: name for label, name in label_names(ledger.classes).items() if label != take.label}
    if others:
        with st.popover("Move", icon=":material/drive_file_move:", type="tertiary", key=f"{key}-menu"):
            to = st.selectbox("To the class", list(others), format_func=others.__getitem__, key=f"{key}-to")
            owner_guard.ask(take.by, "Move")
            action_button("Move", partial(_move, recorded, take, str(to)), key=f"{key}-move")
    owner_guard.guarded_button(
        "Delete", partial(_delete, recorded, take), take.by, key=f"{key}-delete", icon=":material/delete:", type="tertiary"
    )  # fmt: skip


def _move(recorded: RecordedSet, take: Take, to: str) -> None:
    who = services.visitor_name()
    recorded.move(take.number, to, who=who, anyone=True)  # the button asked
    undo.offer(
        recorded, f"Moved take {take.number} to {to}", partial(recorded.move, take.number, take.label, anyone=True)
    )


def _delete(recorded: RecordedSet, take: Take) -> None:
    recorded.delete([take.number], who=services.visitor_name(), anyone=True)
    undo.offer(recorded, f"Deleted take {take.number} of {take.label}", partial(recorded.restore, [take.number]))
