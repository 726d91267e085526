"""Reads backups that a former version encrypted with a passphrase. Nothing writes them any more; the next version will not read them.

::

    labcore-backup-1 passphrase <bytes of the encrypted key>\\n
    <a secret key of age, encrypted with the passphrase by age>
    <the backup, an age file to that key>
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import IO, Any

from labcore.errors import BackupError
from labcore.reading import open_file

WITH_PASSPHRASE = b"labcore-backup-1 passphrase "
LARGEST_KEY = 64 * 1024


def is_former(start: bytes) -> bool:
    """Whether a backup was made with a passphrase by a former version, by its first bytes."""
    return start.startswith(WITH_PASSPHRASE)


def made_with_passphrase(file: Path) -> bool:
    """The same of a file; False where it is none, or cannot be read."""
    try:
        with open_file(file) as content:
            return is_former(content.read(len(WITH_PASSPHRASE)))
    except (OSError, ValueError):
        return False


def inner_key(pyrage: ModuleType, file: IO[bytes], passphrase: str) -> Any:
    """The secret key that such a backup begins with; what the file goes on with is an age file to it.

    Raises:
        BackupError: no passphrase or a wrong one, or a damaged head.
    """
    if not passphrase:
        raise BackupError(
            "the backup is encrypted with a passphrase", "Set LABCORE_BACKUP_PASSPHRASE, or call it in a terminal"
        )
    try:
        size = int(file.readline(64)[len(WITH_PASSPHRASE) :])
        if not 0 < size <= LARGEST_KEY:
            raise ValueError(f"a key of {size} bytes")
        head = file.read(size)
    except ValueError as error:
        raise BackupError(f"the head of the backup is damaged: {error}", "Take another copy of it") from error
    try:
        return pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(head, passphrase).decode())
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as error:
        raise BackupError("the passphrase does not open this backup", "Give the one that it was made with") from error
