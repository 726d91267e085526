"""Pictures of clips side by side, of which one can be pressed, as a component of its own."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from ui.components.own import component


@dataclass(frozen=True)
class Tile:
    """A clip. ``image`` is a PNG, None where there is none; ``about`` stands below the name."""

    id: int
    name: str
    about: str
    image: bytes | None


def clip_grid(tiles: Sequence[Tile], chosen: int | None, *, key: str) -> int | None:
    """Draw them. Returns the id of the one that was just pressed, None where none was."""
    data = {
        "tiles": [
            {"id": tile.id, "name": tile.name, "about": tile.about, "image": _address(tile.image)} for tile in tiles
        ],
        "chosen": chosen,
    }
    pressed = component("clip_grid", "grid")(key=key, data=data, on_pressed_change=lambda: None).get("pressed")
    return pressed if isinstance(pressed, int) and pressed in {tile.id for tile in tiles} else None


def _address(image: bytes | None) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}" if image else ""
