"""Where the time of a training goes: a slim bar of its parts, with their shares in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from labcore.events import Epoch, Event, Progress
from ui.app.text import percent
from ui.charts.colours import dark

PARTS = {
    "network": ("network", "#0B7A75", "#4FC3B5"),
    "augmentation": ("augmentation", "#C08A12", "#E6B84C"),
    "mel": ("mel", "#3F6FA8", "#7FA9DE"),
    "data": ("data", "#8A4C80", "#C68FBC"),
    "waiting": ("waiting", "#B9B6AD", "#59636B"),
}
"""Kind of work → its word, and its colour on light and on dark pages."""
LEAST = 0.005
"""The share from which on a kind has a word below the bar: less is no percent."""


def latest(events: Sequence[Event]) -> dict[str, float]:
    """Seconds by kind, of the epoch at hand or the last one; empty where nothing tells them."""
    told = (event.spent for event in reversed(events) if isinstance(event, Progress | Epoch))
    return next(filter(None, told), {})


def shares(by_phase: dict[str, float]) -> list[tuple[str, float]]:
    """Kinds with their shares of the whole, the known ones in their order. Nothing for a time of zero."""
    whole = sum(seconds for seconds in by_phase.values() if seconds > 0)
    known = [kind for kind in PARTS if kind in by_phase] + [kind for kind in by_phase if kind not in PARTS]
    return [(kind, by_phase[kind] / whole) for kind in known if by_phase[kind] > 0] if whole > 0 else []


def bar(by_phase: dict[str, float]) -> None:
    """The bar and its words; nothing where no time is known. Plain HTML: it costs a visitor's browser next to nothing."""
    parts = shares(by_phase)
    if not parts:
        return
    colour = 2 if dark() else 1
    faces = {kind: PARTS.get(kind, (kind, "#59636B", "#A5B0B4")) for kind, _ in parts}
    cells = "".join(
        f'<div style="width:{100 * share:.2f}%;background:{faces[kind][colour]}" title="{escape(faces[kind][0])}"></div>'
        for kind, share in parts
    )
    seen = [(kind, share) for kind, share in parts if share >= LEAST]
    words = ", ".join(f"{faces[kind][0]} {percent(share, 0)}" for kind, share in seen)
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:1.1em"><span style="display:inline-block;width:.65em;height:.65em;'
        f'border-radius:2px;background:{faces[kind][colour]};margin-right:.4em"></span>'
        f"{escape(faces[kind][0])} {percent(share, 0)}</span>"
        for kind, share in seen
    )
    st.html(
        f'<div role="img" aria-label="Time per epoch by stage: {escape(words)}">'
        f'<div style="display:flex;gap:2px;height:10px;border-radius:5px;overflow:hidden">{cells}</div>'
        f'<div style="font-size:.87rem;color:var(--lab-soft);margin-top:.45em;line-height:1.7">{legend}</div></div>'
    )
