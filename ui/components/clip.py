"""A sound that a page has in hand, from wherever it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from labcore.audio import decode
from labcore.texts import shown
from ui.app import limits, uploaded_files
from ui.app.shell import errors_in_place
from ui.app.text import plain


@dataclass(frozen=True)
class Clip:
    """A sound to be classified or explored.

    The content is there to be decoded: no part of a page hands it to a browser.

    Attributes:
        content: of its file, or where that lies.
        key: what it is known by.
        truth: its label, where that is known.
        upload: what keeps the file there.
    """

    name: str
    content: bytes | Path
    key: str
    truth: str = ""
    upload: uploaded_files.Upload | None = None

    @property
    def bytes(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def waveform(self, start_s: float, end_s: float | None, rate: int | None = None) -> tuple[np.ndarray, int]:
        """A stretch as the front end gets it: (samples,), mixed and at ``rate`` or its own, and the rate. Not to be written to."""
        return _waveform(self.key, self.name, start_s, end_s, rate, self.content)

    @classmethod
    def of_upload(cls, file: UploadedFile, group: str, name: str = "") -> Clip:
        """What the browser sent. Its id stands for its content, so that a long recording is not read again to tell it apart.

        Args:
            group: the part of a page that asked for it, as :func:`ui.app.uploaded_files.keep` takes it.
        """
        if file.size <= uploaded_files.LARGE_BYTES:
            return cls(name or file.name, file.getvalue(), file.file_id)
        upload = uploaded_files.of_visit(group, file)
        return cls(name or file.name, upload.path, file.file_id, upload=upload)


def player(name: str, sound: Callable[[], bytes], beside: Callable[[], object] | None = None) -> None:
    """A clip by its name, and its sound to be played; what cannot be read is told in its place.

    Args:
        sound: gives it as WAV.
        beside: draws what stands to the right of the player.
    """
    with errors_in_place(), st.container(gap="xxsmall"):
        st.caption(plain(name))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.audio(sound(), format="audio/wav", alt=f"Playback of {shown(name)}", width="stretch")
            if beside is not None:
                beside()


@st.cache_resource(max_entries=8, show_spinner=False)
def _waveform(
    key: str, name: str, start_s: float, end_s: float | None, rate: int | None, _content: Any
) -> tuple[np.ndarray, int]:
    return decode(_content, rate, name=name, start_s=start_s, end_s=end_s, limits=limits.sound())
