"""What is read of a sound once, however much is turned afterwards: its facts, its outline, and its samples as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from labcore.audio import Recording
from labcore.audio.facts import Facts
from labcore.audio.overview import Overview, overview
from ui.app import limits, long_work, uploaded_files
from ui.components import long_bar
from ui.components.clip import Clip

GROUP = "explore"
AT_ONCE_BYTES = uploaded_files.LARGE_BYTES
"""Files larger than this, and long recordings, are read in the background, with a bar."""


@dataclass(frozen=True)
class Opened:
    """A sound whose header and samples have been read once."""

    source: Clip
    facts: Facts
    overview: Overview

    @property
    def seconds(self) -> float:
        return self.overview.seconds


def opened(source: Clip) -> Opened | None:
    """Facts and outline of a source. None while a large or long one is still being read, with a bar on the page, or was stopped.

    Raises:
        AudioError: it cannot be read.
    """
    if source.bytes <= AT_ONCE_BYTES and not _is_long(source.key, source.name, source.content):
        long_work.keep(GROUP, ())
        return Opened(source, *_overview(source.key, source.name, source.content))
    long_work.keep(GROUP, (source.key,))
    accepted = limits.sound()

    def work(progress: Callable[[float], None]) -> Any:
        return overview(source.content, name=source.name, limits=accepted, progress=progress)

    reading = long_work.start(source.key, source.name, GROUP, "Reading", work)
    if reading.running or reading.stopped:
        (long_bar.bar if reading.running else long_bar.again)(reading)
        return None
    return Opened(source, *reading.result)


@st.cache_data(max_entries=500, show_spinner=False)
def _is_long(key: str, name: str, _content: Any) -> bool:
    return Recording(_content, name=name, limits=limits.sound()).is_long()


@st.cache_resource(max_entries=16, show_spinner="Reading the sound …")
def _overview(key: str, name: str, _content: Any) -> tuple[Facts, Overview]:
    return overview(_content, name=name, limits=limits.sound())


@st.cache_resource(max_entries=4, show_spinner=False)
def channels(key: str, name: str, start: float, end: float, _content: Any) -> tuple[np.ndarray, int]:
    """A stretch of the recording as it is: (channels, samples) at its own rate, and the rate. Not to be written to."""
    return Recording(_content, name=name, start_s=start, end_s=end, limits=limits.sound()).channels()
