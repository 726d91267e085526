"""What was done last to a recorded data set, in words, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from labcore.datasets.takes.recorded import RecordedSet
from ui.app.shell import action_button
from ui.app.text import plain


def offer(recorded: RecordedSet, told: str, act: Callable[[], object]) -> None:
    """Have the page tell what was done, with a button that takes it back by ``act``. What was offered before is forgotten."""
    st.session_state[_key(recorded)] = (told, act)


def forget(recorded: RecordedSet) -> None:
    st.session_state.pop(_key(recorded), None)


def show(recorded: RecordedSet) -> None:
    """The line, where something can be taken back."""
    if _key(recorded) not in st.session_state:
        return
    told, act = st.session_state[_key(recorded)]

    def take_back() -> None:
        act()
        forget(recorded)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(plain(told), width="content")
        action_button("Undo", take_back, key=f"{_key(recorded)}-take-back", icon=":material/undo:", type="tertiary")


def _key(recorded: RecordedSet) -> str:
    return f"record-{recorded.name}-undo"
