"""Which names a backup may hold. Who writes a backup and who reads one ask here, so that what was backed up can be brought back."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from labcore.errors import BackupError
from labcore.texts import as_bytes, shown
from labcore.workspace import ROOMS, folded, folds_case

ROOT = "workspace/"
"""Stands before every name of a file in the archive."""
NEVER = ("cache", "estimates", "imports", "downloads", "checks", "profiles")
"""Rooms that can be made again from the rest, or are worth nothing on another machine."""
LONGEST_NAME = 255
"""Bytes of a file's or folder's name: what file systems take."""
LONGEST_PATH = 3000
"""Bytes of a path from the workspace on. Systems take 4096 with the workspace's own."""
DEEPEST = 100
"""Folders in each other."""

DAMAGED = "Use another copy of the backup"
FOREIGN = "Do not trust this file: `labcore backup` writes no such thing"


def trouble(parts: list[str]) -> str:
    """Why a path from the workspace on, part by part, cannot be in a backup; "" where it can."""
    if parts[0] in NEVER or any(not part or part.startswith(".") or "\0" in part for part in parts):
        return "does not belong in a workspace"
    if len(parts) == 1 and parts[0] in ROOMS:
        return "is a file where the workspace has a folder"
    sizes = [len(as_bytes(part)) for part in parts]
    if max(sizes) > LONGEST_NAME or sum(sizes) + len(parts) > LONGEST_PATH:
        return "has too long a name"
    return "lies too deep in folders" if len(parts) > DEEPEST else ""


def is_run(unit: str, files: Container[str]) -> bool:
    """Whether a unit is a run, and not something else that lies among them."""
    return unit.startswith("runs/") and unit.count("/") == 1 and f"{unit}/config.json" in files


class Names:
    """The names of an archive as they come, each judged against those before it.

    Args:
        home: the workspace that they are for; what its disk takes for one name counts.
    """

    def __init__(self, home: Path) -> None:
        self.units: dict[str, None] = {}
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._folded: dict[str, str] | None = {} if folds_case(home) else None

    def __len__(self) -> int:
        return len(self._files)

    def take(self, name: str) -> list[str]:
        """Take the name of a file in the archive; returns the parts of its path from the workspace on.

        Raises:
            BackupError: it leads out of the workspace, comes twice, or cannot stand beside the others.
        """
        parts = name.removeprefix(ROOT).split("/")
        why = trouble(parts) if name.startswith(ROOT) else "does not belong in a workspace"
        if why:
            raise BackupError(f"the backup holds {cut(name)}, which {why}", FOREIGN)
        path = "/".join(parts)
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if path in self._files:
            raise BackupError(f"the backup holds {cut(path)} twice", DAMAGED)
        both = path if path in self._folders else next((folder for folder in above if folder in self._files), None)
        if both is not None:
            raise BackupError(f"the backup holds {cut(both)} as a file and as a folder", FOREIGN)
        for each in (*above, path) if self._folded is not None else ():
            self._tell_apart(each)
        self._files.add(path)
        self._folders.update(above)
        self.units["/".join(parts[:2])] = None
        return parts

    def _tell_apart(self, path: str) -> None:
        assert self._folded is not None
        other = self._folded.setdefault(folded(path), path)
        if other != path:
            raise BackupError(
                f"the backup holds {cut(other)} and {cut(path)}, which are the same name on this disk",
                "Restore it on a case-sensitive disk (LABCORE_HOME)",
            )


def cut(name: str) -> str:
    """A name for people: control characters are escaped, and it is not endless."""
    text = repr(shown(name))[1:-1]
    return text if len(text) <= 200 else f"{text[:120]} … {text[-60:]}"
