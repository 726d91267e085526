"""The microphone: a recorder, and below it the level while it records, or in plain words why no sound comes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ui.components.own import component

RATE = 48000


def microphone(*, key: str, on_change: Callable[[], object] | None = None) -> UploadedFile | None:
    """A recorder; what it recorded as WAV, None while there is nothing.

    The browser is asked for the sound as the microphone delivers it: what it does for calls (suppression of noise and echo, automatic gain)
    takes away what a classifier listens for.

    Args:
        on_change: called once a recording is there, before the page is drawn.
    """
    recording = st.audio_input(
        "Recording", sample_rate=RATE, label_visibility="collapsed", key=key, on_change=on_change
    )
    component("microphone", "meter")(key=f"{key}-meter", data={})
    return recording
