"""The place of whoever starts the jobs of a workspace: a lock that one process holds."""

from __future__ import annotations

import errno
from pathlib import Path

from filelock import FileLock, Timeout

from labcore.errors import WorkspaceError, if_unwritable
from labcore.workspace import ELSEWHERE, Workspace, is_locked


class Place:
    """The lock, which is free, held here, or held by another process."""

    def __init__(self, workspace: Workspace) -> None:
        self._home = workspace.home
        self._path: Path = workspace.home / "runs" / ".manager.lock"
        self._lock: FileLock | None = None

    @property
    def held(self) -> bool:
        """Whether it is held here."""
        return self._lock is not None

    @property
    def taken(self) -> bool:
        """Whether anybody holds it."""
        return is_locked(self._path)

    def take(self) -> bool:
        """Whether it is held here; takes it where it is free.

        Raises:
            WorkspaceError: the workspace cannot be written, or lies where there are no locks.
        """
        if self._lock is not None:
            return True
        lock = FileLock(self._path)
        what = f"the jobs of the workspace {self._home} cannot be started"
        with WorkspaceError.on_os_error(what, if_unwritable(self._path.parent, ELSEWHERE)):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            if not self.taken:  # filelock makes do with the mere presence of a file, which nobody here looks at
                lock.release()
                raise OSError(errno.ENOLCK, "its file system has no locks (flock)")
        self._lock = lock
        return True

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
