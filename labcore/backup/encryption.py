"""Encryption of a backup by age (https://age-encryption.org/v1), through pyrage.

To recipients the file is an ordinary age file. With a passphrase it is an age file to a fresh key, and before it stands that key,
encrypted with the passphrase by age: pyrage has passphrases only for what fits into memory.

::

    labcore-backup-1 passphrase <bytes of the encrypted key>\\n
    <the key, an age file with a passphrase>
    <the backup, an age file to that key>
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from labcore.errors import BackupError

AGE = b"age-encryption.org/v1\n"
WITH_PASSPHRASE = b"labcore-backup-1 passphrase "
LARGEST_KEY = 64 * 1024


@dataclass(frozen=True)
class Lock:
    """How to encrypt: with a passphrase, or to recipients (``age1…``, ``ssh-ed25519 …``, ``ssh-rsa …``)."""

    passphrase: str = field(default="", repr=False)
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Key:
    """How to decrypt: with a passphrase, or with files of identities (``AGE-SECRET-KEY-…``, or an SSH key without a passphrase)."""

    passphrase: str = field(default="", repr=False)
    identities: tuple[Path, ...] = ()


def _pyrage() -> ModuleType:
    try:
        import pyrage
    except ImportError as error:
        raise BackupError("encrypted backups need pyrage", 'Install it: pip install "audio-gpu-lab[age]"') from error
    module: ModuleType = pyrage
    return module


def encrypt(pieces: Iterator[bytes], file: IO[bytes], lock: Lock) -> int:
    """Write pieces to a file, encrypted as they come; returns the bytes written.

    Raises:
        BackupError: pyrage is not installed, or a recipient is none.
    """
    pyrage = _pyrage()
    out = _Counting(file)
    if lock.recipients:
        recipients = [_recipient(pyrage, text) for text in lock.recipients]
    elif lock.passphrase:
        key = pyrage.x25519.Identity.generate()
        try:
            head = pyrage.passphrase.encrypt(str(key).encode(), lock.passphrase)
        except UnicodeEncodeError as error:
            raise BackupError("the passphrase is no UTF-8 text", "Choose another one") from error
        out.write(WITH_PASSPHRASE + str(len(head)).encode() + b"\n" + head)
        recipients = [key.to_public()]
    else:
        raise BackupError("the passphrase is empty", "Give one, or make a backup without encryption")
    reader = _Pieces(pieces)
    try:
        pyrage.encrypt_io(reader, out, recipients)
    except BaseException:
        for source in (reader, out):
            if source.error is not None:  # what our own side raised, and not how pyrage tells of it
                raise source.error from None
        raise
    return out.size


def _recipient(pyrage: ModuleType, text: str) -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError) as error:
        raise BackupError(
            f"{text[:24]!r} is no recipient of age: {error}", "Give a public key, age1… or ssh-ed25519 …"
        ) from error


class _Pieces(io.RawIOBase):
    """An iterator of bytes as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, memoryview(b"")
        self.error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            while not self.rest:
                self.rest = memoryview(next(self.pieces))
        except StopIteration:
            return 0
        except BaseException as error:
            self.error = error
            raise
        count = min(len(buffer), len(self.rest))
        buffer[:count] = self.rest[:count]
        self.rest = self.rest[count:]
        return count


class _Counting(io.RawIOBase):
    """Writes on, counts, and keeps what went wrong."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size = file, 0
        self.error: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            self.file.write(data)
        except BaseException as error:
            self.error = error
            raise
        self.size += len(data)
        return len(data)


def kind_of(file: IO[bytes]) -> str:
    """``plain``, ``passphrase`` or ``recipients``, by the first bytes; the file is back at its beginning then."""
    start = file.read(64)
    file.seek(0)
    if start.startswith(WITH_PASSPHRASE):
        return "passphrase"
    return "recipients" if start.startswith(AGE) else "plain"


@contextlib.contextmanager
def opened(file: IO[bytes], key: Key) -> Iterator[IO[bytes]]:
    """The plain archive of a backup, to be read once from its beginning to its end.

    Raises:
        BackupError: wrong passphrase, no fitting identity, a damaged file, pyrage is not installed.
    """
    kind = kind_of(file)
    if kind == "plain":
        yield file
        return
    pyrage = _pyrage()
    identities = [_inner_key(pyrage, file, key)] if kind == "passphrase" else list(_identities(pyrage, key))
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def decrypt() -> None:
        # A pipe whose reader went away breaks once more when it is closed.
        with contextlib.suppress(BrokenPipeError), open(writing, "wb") as pipe:  # noqa: PTH123 (a descriptor)
            try:
                pyrage.decrypt_io(file, pipe, identities)
            except BaseException as error:  # a panic in pyrage is no Exception
                failed.append(error)

    thread = threading.Thread(target=decrypt, name="decrypt")
    thread.start()
    broken: BaseException | None = None
    try:
        with open(reading, "rb") as plain:  # noqa: PTH123 (a descriptor)
            try:
                yield plain
                while plain.read(1 << 20):  # the last piece has to be genuine too
                    pass
            except BackupError as error:
                broken = error
    finally:
        thread.join()
    # Decrypting that fails ends the archive early, which the reader tells too; a reader that gives up breaks the pipe.
    if failed and "broken pipe" not in str(failed[0]).lower():
        raise BackupError(
            f"the backup cannot be decrypted: {failed[0]}",
            "Check that the identity is the right one, and the file whole",
        ) from failed[0]
    if broken is not None:
        raise broken


def _inner_key(pyrage: ModuleType, file: IO[bytes], key: Key) -> Any:
    if not key.passphrase:
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
        return pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(head, key.passphrase).decode())
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as error:
        raise BackupError("the passphrase does not open this backup", "Give the one that it was made with") from error


def _identities(pyrage: ModuleType, key: Key) -> Iterator[Any]:
    if not key.identities:
        raise BackupError(
            "the backup is encrypted to recipients of age", "Name the file of a secret key with --identity FILE"
        )
    for file in key.identities:
        try:
            content = file.read_bytes()
            if content.startswith(b"-----BEGIN"):
                yield pyrage.ssh.Identity.from_buffer(content)
                continue
            keys = [line.strip() for line in content.decode().splitlines() if line.startswith("AGE-SECRET-KEY-")]
            if not keys:
                raise ValueError("there is no secret key in it")
            for text in keys:
                yield pyrage.x25519.Identity.from_str(text)
        except (OSError, ValueError, pyrage.IdentityError) as error:
            raise BackupError(
                f"the identity {file} cannot be read: {error}", "Give the file that age-keygen wrote"
            ) from error
