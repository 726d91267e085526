"""A clip of a data set to be heard: its player, and how much of a long one is on view."""

from __future__ import annotations

import streamlit as st

from labcore.datasets.rows import Row

LONGEST_SECONDS = 30.0
"""Of a longer clip its beginning is played and drawn."""


def sound(row: Row, key: str, *, plays: bool = False) -> None:
    """A player; a viewer that is told ``play-<key>`` follows it. ``plays``: it begins by itself."""
    with st.container(key=f"play-{key}"):
        st.audio(_sound(row), format="audio/wav", alt=f"Playback of {row.name}", width="stretch", autoplay=plays)


def end_of(row: Row) -> float:
    """Where in its file the part on view ends, in seconds; the file may end before."""
    last = row.start_s + LONGEST_SECONDS
    return last if row.end_s is None else min(row.end_s, last)


@st.cache_data(ttl=300, max_entries=100, show_spinner=False)
def _sound(row: Row) -> bytes:
    return row.beginning(LONGEST_SECONDS)
