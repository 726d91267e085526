"""The viewer: pictures of a sound on one time axis in the browser, as a component of its own.

What is sent is bytes, not numbers as text: four bytes with the length of a header, the header as JSON, then the arrays that the
header points to. The script beside this file draws them on a canvas that keeps its place on the page, so that a turned
slider redraws without a flicker; it reads time, frequency and level under the cursor, and lets a stretch be selected.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from labcore.explore.view import Envelope, View

MOST_BYTES = 950_000
"""Of all pictures of one viewer together."""
HTML = """
<div class="viewer">
  <div class="readout" aria-live="polite"></div>
  <div class="stack">
    <canvas class="base" role="img"></canvas>
    <canvas class="over" tabindex="0" role="application"
      aria-label="Cursor: arrow keys move it, with Shift they select, Escape takes the selection back"></canvas>
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


@dataclass
class Row:
    """One picture: what the script is told of it, and its numbers."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def wave_row(envelope: Envelope, title: str, *, height: int = 90) -> Row:
    """A waveform, its channels one below the other."""
    channels, columns = envelope.low.shape
    peak = max(abs(int(envelope.low.min())), abs(int(envelope.high.max()))) * envelope.scale
    facts = {
        "kind": "wave",
        "title": title,
        "height": max(height, 34 * channels),
        "channels": channels,
        "columns": columns,
        "names": [f"ch {number + 1}" for number in range(channels)] if channels != 2 else ["left", "right"],
        "scale": envelope.scale,
        "reach": max(0.001, min(peak * 1.05, 1.0 if peak <= 1 else peak)),
        "exact": bool(envelope.exact),
        **_steps(envelope.x_seconds),
    }
    return Row(facts, {"low": envelope.low, "high": envelope.high})


def image_row(
    view: View,
    title: str,
    colours: list[str],
    *,
    axis: str,
    low: float | None = None,
    high: float | None = None,
    height: int = 200,
    signed: bool = False,
) -> Row:
    """A picture over time.

    Args:
        axis: ``log`` or ``linear`` for bins at even distances in Hz, ``bands`` for one row a band, ``index`` for a count.
        low, high: the levels of the first and the last colour; the view's own where they are not given.
        signed: of cells that share a pixel the one farthest from zero is shown, not the greatest.
    """
    facts = {
        "kind": "image",
        "title": title,
        "height": height,
        "rows": int(view.values.shape[0]),
        "columns": int(view.values.shape[1]),
        "axis": axis,
        "colours": colours,
        "unit": view.unit,
        "unit_scale": float(view.scale),
        "low": float(view.low if low is None else low),
        "high": float(view.high if high is None else high),
        "signed": signed,
        **_steps(view.x_seconds),
    }
    return Row(facts, {"values": view.values, "y": np.asarray(view.y, dtype=np.float32)})


def pack(rows: list[Row], **facts: Any) -> bytes:
    """Rows as the script takes them. Where they are too much together, the largest picture is halved until they fit."""
    while sum(array.nbytes for row in rows for array in row.arrays.values()) > MOST_BYTES:
        images = [number for number, row in enumerate(rows) if row.facts["kind"] == "image"]
        largest = max(images, key=lambda number: rows[number].arrays["values"].nbytes)
        rows = [_halved(row) if number == largest else row for number, row in enumerate(rows)]
    body = bytearray()
    described = []
    for row in rows:
        told = dict(row.facts, arrays=list(row.arrays))
        for name, array in row.arrays.items():
            told[name] = {"at": len(body), "count": int(array.size), "type": array.dtype.name}
            body += np.ascontiguousarray(array).tobytes()
        described.append(told)
    header: dict[str, Any] = {**facts, "rows": described}
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps(header, sort_keys=True).encode())
    digest.update(body)
    header["id"] = digest.hexdigest()
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + bytes(body)


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
    player: str = "",
    played_from: float = 0.0,
    hint: str = "",
) -> None:
    """Draw pictures on one time axis. What is selected in them is read by :func:`selected`.

    Args:
        of: what is shown, by a name that changes with the sound: a selection in another one does not count.
        selection: the stretch in seconds that is marked.
        player: the key of the container whose ``st.audio`` plays what is shown.
        played_from: the time at which that sound begins.
        hint: a line over the pictures while there is nothing under the cursor.
    """
    content = pack(
        rows,
        of=of,
        start=start_s,
        end=max(end_s, start_s + 1e-9),
        alt=alt,
        selection=selection,
        selectable=selectable,
        player=player,
        played_from=played_from,
        hint=hint,
    )
    _component()(key=key, data=content, on_selection_change=lambda: None)


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
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    return st.components.v2.component("sound_viewer", html=HTML, css=CSS, js=script)


def _steps(x_seconds: np.ndarray) -> dict[str, float]:
    """The middle of the first column and the distance to the next; a single column is as wide as it likes."""
    first = float(x_seconds[0])
    return {"x0": first, "dx": float(x_seconds[1] - x_seconds[0]) if len(x_seconds) > 1 else 1.0}


def _halved(row: Row) -> Row:
    values, y = row.arrays["values"], row.arrays["y"]
    starts = np.arange(0, len(values), 2)
    facts = dict(row.facts, rows=len(starts))
    return Row(facts, {"values": np.maximum.reduceat(values, starts, axis=0), "y": y[starts]})
