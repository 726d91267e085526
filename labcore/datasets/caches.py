"""Where it lies in the cache what is remembered of a data set."""

from __future__ import annotations

import hashlib
from pathlib import Path

from labcore.texts import as_bytes
from labcore.workspace import Workspace, slug


def memory_of(workspace: Workspace, name: str, path: Path) -> Path:
    """The file that remembers a data set at a glance."""
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:8]
    return workspace.cache / "datasets" / f"{slug(name)}-{key}.json"


def cache_of(workspace: Workspace, path: Path) -> Path:
    """The folder of the cache for what is worked out of the clips of a data set that lies at a path; it may not be there yet."""
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:12]
    return workspace.cache / "looks" / f"{slug(path.stem)[:40]}-{key}"
