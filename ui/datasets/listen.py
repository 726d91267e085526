"""A few clips of a data set to be heard, by class: what one trains on, before one does."""

from __future__ import annotations

from functools import partial

import streamlit as st

from labcore.datasets.rows import Row, rows_by_label
from labcore.texts import shown
from ui.app import services
from ui.app.shell import errors_in_place, next_button
from ui.app.text import label_names
from ui.components.clip import player
from ui.components.clip_player import HASHED
from ui.datasets import summary
from ui.datasets.opened import version

AT_ONCE = 3
MOST_A_CLASS = 60
LONGEST_SECONDS = 10.0
"""Of a longer recording its beginning is played."""


def panel(name: str, prefix: str, cut: str = "") -> None:
    """A button that opens a few clips of a data set. Nothing is read before somebody opens it.

    Args:
        prefix: of the widgets' keys.
        cut: how clips are cut by annotations, see :func:`ui.datasets.summary.cut_by`.
    """
    key = f"{prefix}-listen-{shown(name)}"
    with st.popover("Listen", icon=":material/volume_up:", key=f"{key}-menu", on_change="rerun", type="tertiary"):
        if st.session_state.get(f"{key}-menu"):
            with errors_in_place():
                _clips(name, key, cut)


def _clips(name: str, key: str, cut: str) -> None:
    rows = _rows(name, cut, version(name))
    names = label_names(rows)
    label = st.selectbox("Class", list(rows), format_func=names.__getitem__, key=f"{key}-class")
    if label is None:
        return
    there, page = rows[label], st.session_state.get(f"{key}-page", 0)
    first = page * AT_ONCE % len(there)
    for row in (there[first:] + there[:first])[:AT_ONCE]:
        player(row.name, partial(_sound, row))
    if len(there) > AT_ONCE:
        next_button("Resample", f"{key}-page", key=f"{key}-others", type="tertiary")


@st.cache_data(ttl=300, max_entries=8, show_spinner="Reading the data set …")
def _rows(name: str, cut: str, changed: object) -> dict[str, list[Row]]:
    from labcore.datasets import find_dataset

    return rows_by_label(find_dataset(services.workspace(), name, summary.cutting(cut)).table, MOST_A_CLASS)


@st.cache_data(ttl=300, max_entries=30, show_spinner=False, hash_funcs=HASHED)
def _sound(row: Row) -> bytes:
    return row.beginning(LONGEST_SECONDS)
