"""Marks of a chart of Vega-Lite that can be pressed: what Vega-Lite is told, and which one it was."""

from __future__ import annotations

from typing import Any

import streamlit as st

PRESSED = "pressed"
OTHERS_FADE = {"condition": {"param": PRESSED, "value": 1}, "value": 0.35}
"""The opacity of marks: what was not pressed steps back."""


def presses(fields: list[str]) -> dict[str, Any]:
    """What Vega-Lite is told of marks that can be pressed: the fields of the one that was come back."""
    return {"name": PRESSED, "select": {"type": "point", "fields": fields, "toggle": False}}


def pressed(key: str) -> dict[str, Any] | None:
    """The fields of the mark that was pressed last in the chart with this key; None where it was let go."""
    held = st.session_state.get(key)
    points = held.get("selection", {}).get(PRESSED, []) if held else []
    return dict(points[0]) if points else None
