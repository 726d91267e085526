"""Files that somebody names to be written, as an export, a report or a table of predictions. The lab's own lie in the workspace.

All are written alike: folders are made, the file appears whole or not at all, and what is refused is told of the file that was named.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from labcore.errors import WorkspaceError, if_unwritable
from labcore.texts import as_utf8
from labcore.workspace import whole_file

ELSEWHERE = "choose another place"


@contextlib.contextmanager
def writing(path: Path, again: str = "", *, folder: bool = False) -> Iterator[None]:
    """Make the folder of an output, and tell of what the system refuses inside as of that output.

    Args:
        again: what follows when space is free, as "run the same command again".
        folder: the output is a folder itself.

    Raises:
        WorkspaceError: it cannot be written; with what to do about it.
    """
    place = path if folder else path.parent
    remedy = if_unwritable(place, ELSEWHERE, f"Free some space{again and f', then {again}'}")
    with WorkspaceError.on_os_error(f"{path} cannot be written", remedy):
        place.mkdir(parents=True, exist_ok=True)
        yield


def require_writable(path: Path, *, folder: bool = False) -> None:
    """See before the work that its output can be written; its folder is made.

    Raises:
        WorkspaceError: it cannot.
    """
    with writing(path, folder=folder):
        if not folder and path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path if folder else path.parent):
            pass


@contextlib.contextmanager
def opened_output(path: Path, *, durable: bool = True, again: str = "") -> Iterator[IO[bytes]]:
    """An output that is written piece by piece; see :func:`writing` and :func:`labcore.workspace.write_atomically`.

    Raises:
        WorkspaceError: it cannot be written; any OSError inside counts as one of writing.
    """
    with writing(path, again), whole_file(path, durable=durable) as file:
        yield file


def write_output(path: Path, data: bytes | str, *, durable: bool = True, again: str = "") -> None:
    """Write an output in one go.

    Raises:
        WorkspaceError: it cannot be written.
    """
    with opened_output(path, durable=durable, again=again) as file:
        file.write(as_utf8(data) if isinstance(data, str) else data)
