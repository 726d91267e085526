"""A clip of a data set to be seen and heard: its player, its log-mel, and how much of a long one is on view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import RunConfig
from labcore.datasets.rows import Row

if TYPE_CHECKING:
    from labcore.explore.view import View

HASHED: dict[str | type, Any] = {Row: ascii}
"""How a clip is told apart in what Streamlit keeps: a name that is not UTF-8 cannot be hashed as it is."""
LONGEST_SECONDS = 30.0
"""Of a longer clip its beginning is played and drawn."""


def sound(row: Row, key: str, *, plays: bool = False) -> None:
    """A player; a viewer that is told ``play-<key>`` follows it. ``plays``: it begins by itself."""
    with st.container(key=f"play-{key}"):
        st.audio(wav(row), format="audio/wav", alt=f"Playback of {row.name}", width="stretch", autoplay=plays)


@st.cache_data(ttl=300, max_entries=100, show_spinner=False, hash_funcs=HASHED)
def wav(row: Row) -> bytes:
    """What a player plays of it."""
    return row.beginning(LONGEST_SECONDS)


def log_mel(row: Row, config: RunConfig | None = None) -> tuple[View, float]:
    """What a network of this configuration is given of the clip, by default as the lab's is, and its seconds."""
    return _log_mel(row, (config or RunConfig()).to_json())


@st.cache_data(ttl=300, max_entries=60, show_spinner=False, hash_funcs=HASHED)
def _log_mel(row: Row, config: str) -> tuple[View, float]:
    from labcore.explore.views import view_of

    front = RunConfig.model_validate_json(config)
    decoded = row.recording(front.sample_rate, LONGEST_SECONDS).whole()
    return view_of("log-mel", decoded.waveform, front), len(decoded.waveform) / decoded.sample_rate
