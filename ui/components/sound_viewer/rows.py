"""The pictures of a viewer, and how they are sent: four bytes with the length of a header, the header as JSON, then its arrays."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labcore.explore.view import Envelope, View

MOST_BYTES = 950_000
"""Of all pictures of one viewer together."""


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
    names: Sequence[str] = (),
    scale: bool = True,
) -> Row:
    """A picture over time.

    Args:
        axis: ``log`` or ``linear`` for bins at even distances in Hz, ``bands`` for one row a band, ``index`` for a count, ``names``
            for rows that are called ``names``, the lowest first.
        low, high: the levels of the first and the last colour; the view's own where they are not given.
        scale: which colour is which value is drawn beside it.
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
        "names": list(names),
        "bar": scale,
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


def _steps(x_seconds: np.ndarray) -> dict[str, float]:
    """The middle of the first column and the distance to the next; a single column is as wide as it likes."""
    first = float(x_seconds[0])
    return {"x0": first, "dx": float(x_seconds[1] - x_seconds[0]) if len(x_seconds) > 1 else 1.0}


def _halved(row: Row) -> Row:
    values, y = row.arrays["values"], row.arrays["y"]
    starts = np.arange(0, len(values), 2)
    facts = dict(row.facts, rows=len(starts))
    return Row(facts, {"values": np.maximum.reduceat(values, starts, axis=0), "y": y[starts]})
