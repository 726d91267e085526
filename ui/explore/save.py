"""What can be taken from the Explore page: sound as WAV, pictures as PNG, and the code that makes the same picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import streamlit as st

from labcore.config import RunConfig
from labcore.workspace import slug
from ui.app.shell import download, heading

WAV = "What you hear, as a WAV file (32-bit float)."


def buttons(
    name: str,
    wav: bytes,
    shown: dict[str, tuple[Any, float | None, float | None]],
    kinds: list[str],
    config: RunConfig,
    stretch: tuple[float, float],
    seconds: float,
    mended: bool = False,
) -> None:
    """A row of buttons.

    Args:
        name: of the sound.
        wav: what is played.
        shown: views by title, each with the values of the first and the last colour.
        kinds: the kinds of pictures on view.
        stretch: what is on view of a sound of so many ``seconds``.
        mended: the file is not heard as soundfile reads it, or not as the mean of its channels.
    """
    from labcore.explore.snippet import KINDS, snippet

    stem = _stem(name)
    with st.container(horizontal=True, gap="small"):
        download("Sound", wav, f"{stem}.wav", "audio/wav", key="explore-wav", help=WAV)
        if shown:
            with st.popover("Pictures", icon=":material/image:"):
                for title, (view, low, high) in shown.items():
                    image, key = _png(view, low, high), f"explore-png-{title}"
                    download(title, image, f"{stem}-{slug(title)}.png", "image/png", key=key, type="tertiary")
        known = [kind for kind in kinds if kind in KINDS]
        if known:
            with st.popover("Code", icon=":material/code:"):
                st.caption("The same values with torchaudio, in `picture`, lowest row first.")
                if mended:
                    st.caption("For this file, save the sound first: soundfile alone reads it differently.")
                for kind in known:
                    heading(kind.capitalize())
                    part = None if stretch == (0.0, seconds) else stretch
                    of = st.session_state.get("explore-power") or "level"
                    file = PurePath(name.replace("\\", "/")).name
                    st.code(snippet(kind, config, file=file, stretch=part, of=of), wrap_lines=True)


def of_preview(name: str, wav: bytes, shown: dict[str, Any], low: float, high: float) -> None:
    """Buttons for what an augmentation made: its sound, and the pictures before and after by title."""
    stem = _stem(name)
    with st.container(horizontal=True, gap="small"):
        download("Sound after", wav, f"{stem}-augmented.wav", "audio/wav", key="explore-bench-wav", help=WAV)
        for title, view in shown.items():
            image, looks = _png(view, low, high), {"icon": ":material/image:", "key": f"explore-bench-png-{title}"}
            download(f"Picture {title}", image, f"{stem}-{title}.png", "image/png", **looks)


def _png(view: Any, low: float | None, high: float | None) -> Callable[[], bytes]:
    """Drawn when it is asked for, not at every turn of a slider."""
    colours = st.session_state.get("explore-map") or "magma"

    def image() -> bytes:
        from labcore.explore.render import png

        return png(view, colours=colours, low=low, high=high)

    return image


def _stem(name: str) -> str:
    return slug(PurePath(name.replace("\\", "/")).stem) or "sound"
