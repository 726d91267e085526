"""Which part of a long recording is drawn and played."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

SECTION_SECONDS = 30.0
"""At most so much of a recording is drawn and played at a time."""


def choose(seconds: float, key: str, length: float = SECTION_SECONDS, **moved: Any) -> tuple[float, float | None]:
    """A slider over a recording that is longer than a section.

    Args:
        seconds: how long it lasts.
        key: of the recording; its section can be set by :func:`jump`.
        length: of the section in seconds.
        moved: ``on_change`` and ``args`` of the slider.

    Returns:
        Start and end in seconds; 0 and None for a recording that is shorter.
    """
    if seconds <= length:
        return 0.0, None
    start = st.slider(
        "Section from", 0, math.ceil(seconds - length), step=1, format="%d s", key=_key(key),
        help=f"Recordings are shown and played {length:g} s at a time.", **moved,
    )  # fmt: skip
    return float(start), float(start) + length


def start_of(key: str) -> float:
    """Where the section of a recording begins, in seconds, before its slider is drawn."""
    return float(st.session_state.get(_key(key), 0))


def jump(key: str, time: float, seconds: float, length: float = SECTION_SECONDS) -> None:
    """Have the section of a recording begin at a time. To be called before its slider is drawn."""
    if seconds > length:
        st.session_state[_key(key)] = max(0, min(int(time), math.ceil(seconds - length)))


def _key(key: str) -> str:
    return f"section-{key}"
