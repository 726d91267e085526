"""Files that somebody names to be written, as an export, a report or a table of predictions. The lab's own lie in the workspace.

All are written alike: folders are made, the file appears whole or not at all, and what is refused is told of the file that was named.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from labcore.errors import ConfigError, WorkspaceError, if_unwritable
from labcore.texts import as_utf8
from labcore.typed import plain_path
from labcore.workspace import whole_file

ELSEWHERE = "choose another place"


def output_path(text: str) -> Path:
    """Where an output goes that somebody typed: in quotes, with ``~``, as ``file://``. Unlike what is read, it is looked for nowhere else.

    Raises:
        ConfigError: it has no name, or is ``-``, which stands for stdout.
    """
    plain = plain_path(text)
    if not plain:
        raise ConfigError("the output has no name", "Give its path")
    if plain == "-":
        raise ConfigError("this output does not go to stdout", "Give its path; a file called - is ./-")
    return Path(plain)


def output_or_stdout(text: str) -> Path | None:
    """The same for what may go to stdout, which ``-`` says: None."""
    return None if text.strip() == "-" else output_path(text)


@contextlib.contextmanager
def writing(path: Path, again: str = "", *, folder: bool = False) -> Iterator[None]:
    """Make the folder of an output, and tell of what the system refuses inside as of that output.

    Args:
        again: what follows when space is free, as "run the same command again".
        folder: the output is a folder itself.

    Raises:
        ConfigError: it is a folder where a file is meant, or a file where a folder is.
        WorkspaceError: it cannot be written; with what to do about it.
    """
    place = path if folder else path.parent
    if not folder and os.path.isdir(path):  # noqa: PTH112 (never raises)
        raise ConfigError(f"{path} is a folder", "Name a file in it")
    if (above := next(filter(os.path.isfile, (place, *place.parents)), None)) is not None:
        raise ConfigError(f"{path} cannot be written: {above} is a file and no folder", "Choose another place")
    remedy = if_unwritable(place, ELSEWHERE, f"Free some space{again and f', then {again}'}")
    with WorkspaceError.on_os_error(f"{path} cannot be written", remedy):
        place.mkdir(parents=True, exist_ok=True)
        yield


def require_writable(path: Path, *, folder: bool = False) -> None:
    """See before the work that its output can be written; its folder is made.

    Raises:
        ConfigError, WorkspaceError: as :func:`writing`.
    """
    with writing(path, folder=folder):
        with contextlib.suppress(FileNotFoundError):
            path.stat()  # a name that is too long
        if not _is_device(path):
            with tempfile.TemporaryFile(dir=path if folder else path.parent):
                pass


@contextlib.contextmanager
def opened_output(path: Path, *, durable: bool = True, again: str = "") -> Iterator[IO[bytes]]:
    """An output that is written piece by piece; see :func:`writing` and :func:`labcore.workspace.write_atomically`.

    A device or a pipe, as ``/dev/null``, is written into, and no file takes its place; of a link it is what the link leads to.

    Raises:
        ConfigError, WorkspaceError: as :func:`writing`; any OSError inside counts as one of writing.
    """
    with writing(path, again):
        whole = path.open("wb") if _is_device(path) else whole_file(Path(os.path.realpath(path)), durable=durable)
        with whole as file:
            yield file


def _is_device(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))  # noqa: PTH110, PTH112, PTH113 (never raise)


def write_output(path: Path, data: bytes | str, *, durable: bool = True, again: str = "") -> None:
    """Write an output in one go.

    Raises:
        ConfigError, WorkspaceError: as :func:`writing`.
    """
    with opened_output(path, durable=durable, again=again) as file:
        file.write(as_utf8(data) if isinstance(data, str) else data)
