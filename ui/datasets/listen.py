"""A few clips of a data set to be heard, by class: what one trains on, before one does."""

from __future__ import annotations

import numpy as np
import streamlit as st

from labcore.texts import shown
from ui.app import services
from ui.app.shell import action_button, errors_in_place
from ui.app.text import label_names, plain
from ui.datasets.summary import Row, rows_of

AT_ONCE = 3
MOST_A_CLASS = 60
LONGEST_SECONDS = 10.0
"""Of a longer recording its beginning is played."""


def panel(name: str, prefix: str) -> None:
    """A button that opens a few clips of a data set. Nothing is read before somebody opens it.

    Args:
        prefix: of the widgets' keys.
    """
    key = f"{prefix}-listen-{shown(name)}"
    with st.popover("Listen", icon=":material/volume_up:", key=f"{key}-menu", on_change="rerun", type="tertiary"):
        if st.session_state.get(f"{key}-menu"):
            with errors_in_place():
                _clips(name, key)


def _clips(name: str, key: str) -> None:
    rows = _rows(name)
    names = label_names(rows)
    label = st.selectbox("Class", list(rows), format_func=names.__getitem__, key=f"{key}-class")
    if label is None:
        return
    there, turn = rows[label], st.session_state.get(f"{key}-turn", 0)
    first = turn * AT_ONCE % len(there)
    for row in (there[first:] + there[:first])[:AT_ONCE]:
        with errors_in_place():
            sound = _sound(row.path, row.start_s, row.end_s)
            st.caption(plain(row.name))
            st.audio(sound)
    if len(there) > AT_ONCE:

        def others() -> None:
            st.session_state[f"{key}-turn"] = turn + 1

        action_button("Resample", others, key=f"{key}-others", icon=":material/shuffle:", type="tertiary")


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _rows(name: str) -> dict[str, list[Row]]:
    """Label → where its clips lie, in an order shuffled once, at most 60 of each."""
    from labcore.datasets import find_dataset

    table = find_dataset(services.workspace(), name).table
    table = table.iloc[np.random.default_rng(0).permutation(len(table))]
    return {str(label): rows_of(part.head(MOST_A_CLASS)) for label, part in table.groupby("label")}


@st.cache_data(ttl=300, max_entries=30, show_spinner=False)
def _sound(path: str, start_s: float, end_s: float | None) -> bytes:
    """The beginning of a clip as a WAV file.

    Raises:
        AudioError: it cannot be read.
    """
    from labcore.audio import as_wav

    last = start_s + LONGEST_SECONDS
    return as_wav(path, start_s=start_s, end_s=last if end_s is None else min(last, end_s))
