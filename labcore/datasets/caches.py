"""Where it lies in the cache what is remembered of a data set."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from labcore.errors import WorkspaceError, if_unwritable
from labcore.texts import as_bytes
from labcore.workspace import ELSEWHERE, Workspace, opened_atomically, slug


def memory_of(workspace: Workspace, name: str, path: Path) -> Path:
    """The file that remembers a data set at a glance."""
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:8]
    return workspace.cache / "datasets" / f"{slug(name)}-{key}.json"


def cache_of(workspace: Workspace, path: Path) -> Path:
    """The folder of the cache for what is worked out of the clips of a data set that lies at a path; it may not be there yet."""
    key = hashlib.sha256(as_bytes(f"{path}")).hexdigest()[:12]
    return workspace.cache / "looks" / f"{slug(path.stem, 40)}-{key}"


@contextlib.contextmanager
def opened_to_keep(file: Path) -> Iterator[IO[bytes]]:
    """A file of the cache, to be written: a reader sees all of it or what was there before. Its folder is made where there is none.

    Raises:
        WorkspaceError: the cache cannot be written.
    """
    with WorkspaceError.on_os_error(f"{file} cannot be written", if_unwritable(file.parent, ELSEWHERE)):
        file.parent.mkdir(parents=True, exist_ok=True)
    with opened_atomically(file, durable=False) as stream:
        yield stream
