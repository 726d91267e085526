"""Where the archive of a standard data set is: on this disk already, in a mirror, or where it is published.

::

    cache/archives/
      UrbanSound8K.tar.gz         put there by hand, or downloaded; a downloaded one goes once its data set is made
      UrbanSound8K.tar.gz.part    as far as a download came, to go on from
      UrbanSound8K.tar.gz.json    what is known of the download

``LABCORE_MIRROR`` names an address, or a folder, from which the archives are taken by their names.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from labcore.errors import DatasetError, WorkspaceError
from labcore.reading import DamagedError, read_object
from labcore.standard_sets import StandardSet
from labcore.texts import json_line, megabytes
from labcore.workspace import Workspace, stamp_of, write_atomically

MIRROR = "LABCORE_MIRROR"
"""Address or folder of a mirror. ``{file}`` in it stands for the archive's name, which else is put behind it."""
ARCHIVES = "archives"


@dataclass(frozen=True)
class ArchivePlace:
    """The archive of a standard data set in a workspace."""

    path: Path

    @classmethod
    def of(cls, workspace: Workspace, about: StandardSet) -> ArchivePlace:
        """Raises WorkspaceError where its folder cannot be made."""
        folder = workspace.cache / ARCHIVES
        with WorkspaceError.on_os_error(f"{folder} cannot be created", "Set LABCORE_HOME to a writable folder"):
            folder.mkdir(exist_ok=True)
        return cls(folder / about.file)

    @property
    def part(self) -> Path:
        """What of it is there so far."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of its download; nothing where there was none."""
        with contextlib.suppress(OSError, DamagedError):
            return read_object(self._facts)
        return {}

    def note(self, **facts: Any) -> None:
        """Remember of its download.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        write_atomically(self._facts, json_line({**self.facts, **facts}))

    @property
    def is_download(self) -> bool:
        """Whether the archive that is there was downloaded by the lab and not changed since; then the lab may remove it."""
        return self.path.exists() and self.facts.get("stamp") == list(stamp_of(self.path))

    def complete(self) -> None:
        """Have the part stand in the place of the archive.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        with WorkspaceError.on_os_error(f"{self.path} cannot be written"):
            self.part.replace(self.path)
        self.note(stamp=stamp_of(self.path))

    def drop(self) -> None:
        """Remove what was downloaded, and what is known of it."""
        for path in (*([self.path] if self.is_download else []), self.part, self._facts):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self, title: str) -> Iterator[None]:
        """Keep everybody else from it.

        Raises:
            DatasetError: somebody else works with it now.
        """
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        busy = DatasetError(
            f"{title} is being downloaded already", "`labcore jobs list --active` shows the download; wait for it"
        )
        with WorkspaceError.on_os_error(f"{self.path.parent} cannot be written"):
            try:
                lock.acquire(timeout=0)
            except Timeout:  # an OSError too
                raise busy from None
        try:
            yield
        finally:
            lock.release()

    @property
    def _facts(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")


def url_of(about: StandardSet) -> str:
    """Where the archive is downloaded from."""
    mirror = os.environ.get(MIRROR, "").strip()
    if not mirror or folder_of_mirror() is not None:
        return about.url
    return mirror.replace("{file}", about.file) if "{file}" in mirror else f"{mirror.rstrip('/')}/{about.file}"


def folder_of_mirror() -> Path | None:
    """The folder of the mirror, where it is one on this machine's disks.

    Raises:
        DatasetError: it is no folder, and no address.
    """
    mirror = os.environ.get(MIRROR, "").strip()
    if not mirror or mirror.partition("://")[0].lower() in ("http", "https"):
        return None
    folder = Path(mirror.removeprefix("file://")).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"{MIRROR} is {plain_url(mirror)}, which is no folder and no http address", "Set it anew")
    return folder


def plain_url(url: str) -> str:
    """An address without a name and a password that may stand in it: to be shown and written down."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def by_hand(about: StandardSet, place: ArchivePlace, url: str) -> str:
    """What to do where nothing can be downloaded."""
    return (
        f"Fetch {plain_url(url)} ({megabytes(about.bytes)}) with a machine that reaches it, put the file at {place.path}, "
        f"and start the download again (`labcore datasets get {about.name}`); or name its place (--file PATH)"
    )
