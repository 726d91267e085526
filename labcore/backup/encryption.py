"""Encryption of a backup to recipients of age (https://age-encryption.org/v1), through pyrage.

A passphrase is age's own matter: ``labcore backup - | age -p > FILE`` and ``age -d FILE | labcore restore -``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from labcore.backup.former import inner_key, is_former
from labcore.errors import BackupError

AGE = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
BY_PIPE = "for a passphrase: age -d FILE | labcore restore -"


def is_encrypted(start: bytes) -> bool:
    """Whether a backup is encrypted, by its first bytes."""
    return start.startswith(AGE) or is_former(start)


def encrypt(pieces: Iterator[bytes], write: Callable[[bytes], object], recipients: Sequence[str]) -> None:
    """Write pieces, encrypted as they come.

    Args:
        recipients: public keys: ``age1…``, ``ssh-ed25519 …``, ``ssh-rsa …``.

    Raises:
        BackupError: pyrage is not installed, or a recipient is none.
    """
    pyrage = _pyrage()
    keys = [_recipient(pyrage, text) for text in recipients]
    ends = _Ends(pieces, write)
    try:
        pyrage.encrypt_io(ends, ends, keys)
    except BaseException:
        if ends.error is not None:  # what our own side raised, and not how pyrage tells of it
            raise ends.error from None
        raise


class _Ends:
    """What pyrage reads from and writes to; keeps what went wrong there."""

    def __init__(self, pieces: Iterator[bytes], write: Callable[[bytes], object]) -> None:
        self.pieces, self.rest, self.onward = pieces, memoryview(b""), write
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self.rest:
                self.rest = memoryview(next(self.pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        piece, self.rest = self.rest[:size], self.rest[size:]
        return bytes(piece)

    def write(self, data: bytes) -> int:
        try:
            self.onward(data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        pass


@contextlib.contextmanager
def decrypted(file: IO[bytes], start: bytes, identities: Sequence[Path], passphrase: str) -> Iterator[IO[bytes]]:
    """The plain archive of an encrypted backup, to be read once from its beginning to its end.

    Args:
        start: its first bytes, which are still to be read from the file.
        identities: files of secret keys: ``AGE-SECRET-KEY-…``, or an SSH key without a passphrase.
        passphrase: of a backup that a former version encrypted with one.

    Raises:
        BackupError: no fitting identity, wrong passphrase, a damaged file, pyrage is not installed.
    """
    pyrage = _pyrage()
    keys = [inner_key(pyrage, file, passphrase)] if is_former(start) else list(_identities(pyrage, identities))
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def decrypt() -> None:
        # A pipe whose reader went away breaks once more when it is closed.
        with contextlib.suppress(BrokenPipeError), open(writing, "wb") as pipe:  # noqa: PTH123 (a descriptor)
            try:
                pyrage.decrypt_io(file, pipe, keys)
            except BaseException as error:  # a panic in pyrage is no Exception
                failed.append(error)

    thread = threading.Thread(target=decrypt, name="decrypt")
    thread.start()
    try:
        with open(reading, "rb") as plain:  # noqa: PTH123 (a descriptor)
            yield plain
            while plain.read(1 << 20):  # the last piece has to be genuine too
                pass
    except BackupError:
        thread.join()
        if not failed or "broken pipe" in str(failed[0]).lower():  # which the reader itself caused by giving up
            raise
    finally:
        thread.join()
    if failed:
        raise BackupError(
            f"the backup cannot be decrypted: {failed[0]}",
            f"Check that the identity is the right one, and the file whole; {BY_PIPE}",
        ) from failed[0]


def _pyrage() -> ModuleType:
    try:
        return importlib.import_module("pyrage")
    except ImportError as error:
        raise BackupError("encrypted backups need pyrage", 'Install it: pip install "audio-gpu-lab[age]"') from error


def _recipient(pyrage: ModuleType, text: str) -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    what, remedy = f"{text[:24]!r} is no recipient of age", "Give a public key, age1… or ssh-ed25519 …"
    with BackupError.on_os_error(what, remedy, pyrage.RecipientError, ValueError):
        return kind.Recipient.from_str(text)


def _identities(pyrage: ModuleType, files: Sequence[Path]) -> Iterator[Any]:
    if not files:
        raise BackupError(
            "the backup is encrypted by age", f"Name the file of a secret key with --identity FILE; {BY_PIPE}"
        )
    for file in files:
        what, remedy = f"the identity {file} cannot be read", "Give the file that age-keygen wrote"
        with BackupError.on_os_error(what, remedy, ValueError, pyrage.IdentityError):
            content = file.read_bytes()
            if content.startswith(b"-----BEGIN"):
                yield pyrage.ssh.Identity.from_buffer(content)
                continue
            keys = [line.strip() for line in content.decode().splitlines() if line.startswith("AGE-SECRET-KEY-")]
            if not keys:
                raise ValueError("there is no secret key in it")
            for text in keys:
                yield pyrage.x25519.Identity.from_str(text)
