"""What was measured on this machine, kept in the workspace so that nothing is measured twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from labcore.reading import read_object
from labcore.workspace import Workspace, write_atomically

T = TypeVar("T")
PRECISIONS, ROUTES = "precision", "routes"
"""The kinds of measurements that say what is the fastest on this machine: in training, and in use."""


def key_of(facts: list[Any]) -> str:
    """A name for what a measurement depends on: plain data → 24 characters."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


class Remembered:
    """Measurements of one kind, a small file of JSON each.

    Args:
        what: the folder within the workspace's cache.
    """

    def __init__(self, workspace: Workspace, what: str) -> None:
        self.workspace, self.folder = workspace, workspace.home / "cache" / what  # looking makes no folder

    def recall(self, key: str, kind: type[T]) -> T | None:
        """What was found earlier, a dataclass of that kind; None where nothing was, or it cannot be read."""
        return self._read(self.folder / f"{key}.json", kind)

    def recall_all(self, ending: str, kind: type[T]) -> list[T]:
        """All whose keys end so."""
        found = [self._read(file, kind) for file in self.folder.glob(f"*{ending}.json")]
        return [each for each in found if each is not None]

    def keep(self, key: str, found: Any) -> None:
        """Remember a dataclass. Raises WorkspaceError where it cannot be written."""
        (self.workspace.cache / self.folder.name).mkdir(exist_ok=True)
        write_atomically(self.folder / f"{key}.json", json.dumps(asdict(found)))

    def written(self) -> dict[str, int]:
        """File → when it was written, in nanoseconds."""
        return {file.name: file.stat().st_mtime_ns for file in self.folder.glob("*.json")}

    def forget(self) -> int:
        """Have all measured again; returns how many were forgotten."""
        files = list(self.folder.glob("*.json"))
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    def _read(self, file: Path, kind: type[T]) -> T | None:
        with contextlib.suppress(OSError, ValueError):
            return TypeAdapter(kind).validate_python(read_object(file))
        return None


def forget_timings(workspace: Workspace) -> int:
    """Have precisions and routes of all networks timed again; returns how many choices were forgotten."""
    return sum(Remembered(workspace, what).forget() for what in (PRECISIONS, ROUTES))
