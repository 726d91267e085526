"""The list of what unpacked sounds are: ``metadata.jsonl``, as Hugging Face's audiofolder has it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import Any

from labcore.datasets.packing.members import Member
from labcore.texts import as_utf8, json_line

NAME = "metadata.jsonl"


def listing(rows: Iterable[dict[str, Any]]) -> Member:
    """The list as a file of the data set, a row a sound."""
    return from_bytes((NAME,), as_utf8("".join(json_line(row) + "\n" for row in rows)), made=True)


def from_bytes(parts: tuple[str, ...], content: bytes, *, made: bool = False) -> Member:
    """A file of the data set whose content is known."""
    return Member(parts, len(content), lambda: contextlib.closing(io.BytesIO(content)), made)
