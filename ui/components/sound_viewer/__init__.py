"""The viewer: pictures of a sound on one time axis in the browser, as a component of its own.

What is sent is bytes, not numbers as text (``rows.py``). The scripts beside this file draw them on a canvas that keeps its place on the
page, so that a moved slider redraws without a flicker; it reads time, frequency and level under the cursor, and lets a stretch
be selected. It knows no page: whoever draws one gives it a key, and the key of the container with the player.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from ui.components.sound_viewer.rows import Row, image_row, pack, wave_row

__all__ = ["Box", "Pressed", "Row", "image_row", "selected", "selected_band", "viewer", "wave_row"]

FOLDER = Path(__file__).parent
MODULES = ("numbers", "axes", "boxes", "drawing", "playback", "selection", "keys", "main")
HTML = """
<div class="viewer">
  <div class="readout" aria-live="polite"></div>
  <div class="stack">
    <canvas class="base" role="img"></canvas>
    <canvas class="over" tabindex="0" role="application"></canvas>
  </div>
</div>
"""
CSS = """
.viewer { width: 100%; font-family: var(--st-font); }
.stack { position: relative; }
canvas { display: block; width: 100%; }
.over { position: absolute; inset: 0; cursor: crosshair; touch-action: pan-y; border-radius: 4px; }
.over:focus-visible { outline: 2.5px solid var(--lab-focus); outline-offset: 2px; }
.readout { min-height: 1.5em; font-size: 0.87rem; line-height: 1.5; color: var(--lab-soft);
  font-variant-numeric: tabular-nums; }
@media (max-width: 640px) { .readout { min-height: 3em; } }
"""


@dataclass(frozen=True)
class Box:
    """A labelled box over a picture.

    Attributes:
        row: the number of the picture.
        start, end: in seconds.
        low, high: in Hz, or of a picture with names the number of its lane; None for the whole height.
        colour, ink: of the box, and of its label on it; ``#rrggbb``.
        id: what is told where it is pressed; "" for one that cannot be.
        strong: the one that is chosen.
    """

    row: int
    start: float
    end: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    colour: str = "#888888"
    ink: str = "#ffffff"
    id: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Pressed:
    """What was pressed: the id of a box, "" for none, and the time in seconds."""

    box: str
    time: float


def viewer(
    rows: list[Row],
    *,
    key: str,
    of: str,
    start_s: float,
    end_s: float,
    alt: str,
    selection: tuple[float, float] | None = None,
    selectable: bool = False,
    banded: bool = False,
    band: tuple[float, float] | None = None,
    boxes: Sequence[Box] = (),
    pressable: bool = False,
    player: str = "",
    played_from: float = 0.0,
    hint: str = "",
    on_select: Callable[[], None] = lambda: None,
) -> Pressed | None:
    """Draw pictures on one time axis. What is selected in them is read by :func:`selected` and :func:`selected_band`.

    Args:
        of: what is shown, by a name that changes with the sound: a selection in another one does not count.
        selection: the stretch in seconds that is marked.
        selectable: a stretch can be selected, where ``banded`` frequencies with it.
        band: the frequencies in Hz that are marked with the stretch.
        on_select: called when something was selected, before the page is drawn.
        boxes: drawn over the pictures; one with an id can be pressed.
        pressable: a press anywhere is told, not of a box alone.
        player: the key of the container whose ``st.audio`` plays what is shown.
        played_from: the time at which that sound begins.
        hint: a line over the pictures while there is nothing under the cursor.

    Returns:
        What has just been pressed; None for nothing.
    """
    content = pack(
        rows,
        of=of,
        start=start_s,
        end=max(end_s, start_s + 1e-9),
        alt=alt,
        selection=selection,
        selectable=selectable,
        player=re.sub(r"[^a-zA-Z0-9_-]", "-", player),  # as Streamlit makes a class of the key of a container
        played_from=played_from,
        hint=hint,
        **({"banded": True, "band": band} if banded else {}),
        **({"boxes": [vars(box) for box in boxes]} if boxes else {}),
        **({"presses": "anywhere"} if pressable else {}),
    )
    told = _component()(key=key, data=content, on_selection_change=on_select, on_pressed_change=lambda: None)
    pressed = told.get("pressed") if hasattr(told, "get") else None
    if not isinstance(pressed, dict) or pressed.get("id") != of:
        return None
    return Pressed(str(pressed.get("box") or ""), float(pressed["time"]))


def selected_band(key: str, of: str) -> tuple[float, float] | None:
    """The frequencies in Hz that a visitor selected with the stretch; None for all of them."""
    held = st.session_state.get(key)
    choice = held.get("selection") if hasattr(held, "get") else None
    if selected(key, of) is None or not choice.get("band"):
        return None
    low, high = (float(value) for value in choice["band"])
    return (low, high) if high > low else None


def selected(key: str, of: str) -> tuple[float, float] | None:
    """The stretch that a visitor selected in the viewer with this key, in seconds, of the sound named."""
    held = st.session_state.get(key)
    choice = held.get("selection") if hasattr(held, "get") else None
    if not isinstance(choice, dict) or choice.get("id") != of or not choice.get("stretch"):
        return None
    start, end = (float(value) for value in choice["stretch"])
    return (start, end) if end > start else None


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return st.components.v2.component("sound_viewer", html=HTML, css=CSS, js=script())


def script() -> str:
    """The modules as one: a component takes a single text, which the browser cannot import others from by path."""
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    return re.sub(r"^import .*\n|^export (?!default)", "", "\n".join(parts), flags=re.MULTILINE)
