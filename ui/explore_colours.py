"""Colour maps of the Explore page, as a few stops that the browser mixes between."""

from __future__ import annotations

from ui.charts import SOUND

MAPS: dict[str, list[str]] = {"lab": SOUND}
DIVERGING = ["#3b5fb0", "#7f9fd6", "#f2efe9", "#e69a83", "#b5382f"]


def colours(name: str | None) -> list[str]:
    return MAPS.get(name or "lab", SOUND)
