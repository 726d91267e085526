"""What can go wrong for a user: each error says what is wrong with what, and what to do about it.

A page shows a :class:`LabError` in place, the command line prints it in one line, a service answers with it as problem+json.
Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where a disk is full, a quota used up or a file as large as it may be."""
PRIVACY = "Let the program in which the lab was started use that folder: System Settings, Privacy & Security, Files and Folders"
"""What to do where macOS keeps Desktop, Documents, Downloads or another disk from a program. Their permissions look as ever."""


class LabError(Exception):
    """Something a user can act on.

    Args:
        what: what is wrong, naming the file, field or device it is wrong with. A full sentence without the final stop.
        remedy: what to do about it, a full sentence without the final stop; may be empty where nothing can be done.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what.rstrip(".")
        self.remedy = remedy.rstrip(".")
        super().__init__(self.what)

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}." if self.remedy else f"{self.what}."

    @classmethod
    @contextmanager
    def on_os_error(
        cls, what: str, remedy: str | Callable[[Exception], str] = "", *also: type[Exception]
    ) -> Iterator[None]:
        """Raise this error where the operating system refuses what is done inside.

        Args:
            what: what cannot be done; the system's reason follows it after a colon.
            remedy: what to do about it; or a function that says so of the exception, as :func:`if_unwritable`.
            also: further kinds of exceptions that are told alike, as of text that is no UTF-8.
        """
        kinds: tuple[type[Exception], ...] = (OSError, *also)
        try:
            yield
        except kinds as error:
            told = remedy if isinstance(remedy, str) else remedy(error)
            if sys.platform == "darwin" and getattr(error, "errno", None) == errno.EPERM:
                told = PRIVACY
            raise cls(f"{what}: {getattr(error, 'strerror', None) or error}", told) from error


def if_unwritable(folder: Path, elsewhere: str, full: str = "Free some space") -> Callable[[Exception], str]:
    """The remedy for a file that cannot be written, by the system's reason.

    Args:
        folder: where it is to lie.
        elsewhere: how another place is chosen, as "choose another place".
        full: what to do where the disk is full.
    """

    def remedy(error: Exception) -> str:
        match getattr(error, "errno", None):
            case number if number in FULL:
                return f"{full}, or {elsewhere}"
            case errno.EACCES | errno.EPERM:
                return f"Check the permissions of {folder}, or {elsewhere}"
            case errno.EROFS:
                return f"{folder} is read-only: {elsewhere}"
            case errno.EISDIR:
                return "Name a file in it"
            case errno.ENAMETOOLONG:
                return "Choose a shorter name"
            case _ if not folder.is_dir():
                return f"There is no folder {folder}: {elsewhere}"
            case _:
                return f"{elsewhere[0].upper()}{elsewhere[1:]}"

    return remedy


class AudioError(LabError):
    """A file or a buffer that cannot be decoded, or holds nothing usable."""


class DatasetError(LabError):
    """A data set that is missing, is laid out in no known way, or cannot be split as asked."""


class ConfigError(LabError):
    """A setting out of its bounds, or a combination that cannot work."""


class DeviceError(LabError):
    """A device that was asked for and cannot be used."""


class OutOfMemoryError(LabError):
    """A batch that does not fit. ``fits`` is the largest batch size that was seen to fit, None where none did."""

    def __init__(self, what: str, remedy: str = "", fits: int | None = None) -> None:
        super().__init__(what, remedy)
        self.fits = fits


class RunError(LabError):
    """A run that does not exist, is incomplete, or is in the wrong state for what was asked."""


class WorkspaceError(LabError):
    """A workspace that cannot be read or written: permissions, a full disk."""


class NetworkError(LabError):
    """A server that cannot be reached, breaks off, or answers that it cannot serve."""


class BackupError(LabError):
    """A backup that cannot be made, opened or trusted, or that would replace what is there."""
