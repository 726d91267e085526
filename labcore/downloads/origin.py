"""Where a data set came from and under what licence, kept with it from its download on."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from labcore.datasets.names import places_of
from labcore.reading import DamagedError, read_object
from labcore.standard_sets import StandardSet
from labcore.texts import json_line
from labcore.workspace import Workspace

FILE = "source.json"
"""In the folder of the data set. No hidden one: a backup leaves those out."""


def origin(about: StandardSet, came_from: str, checksum: str) -> str:
    """What is kept.

    Args:
        came_from: the address, or the path, of the archive.
    """
    facts = {
        "dataset": about.name,
        "title": about.title,
        "from": came_from,
        "checksum": checksum,
        "licence": about.licence,
        "accepted": time.strftime("%Y-%m-%d"),
        "page": about.page,
        "citation": about.citation,
    }
    return json_line(facts, indent=2)


def downloaded_sets(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """The data sets of a workspace that were downloaded into it: name → what is kept of where they came from."""
    found = {name: origin_of(path) for name, path in places_of(workspace).items() if path is not None}
    return {name: facts for name, facts in found.items() if facts}


def origin_of(folder: Path) -> dict[str, Any]:
    """What is kept of where the data set in a folder came from; empty where nothing is, as of one that was not downloaded."""
    with contextlib.suppress(OSError, DamagedError):
        return read_object(folder / FILE)
    return {}
