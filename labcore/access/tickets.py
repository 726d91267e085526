"""Tickets: what a person who signed in carries in a cookie. Signed, never encrypted: they hold a name and times, no secret."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labcore.access.signed_out import SignedOut
from labcore.errors import WorkspaceError

KEY_FILE = ".access-key"
KEY_BYTES = 32
LONGEST_SECONDS = 30 * 24 * 3600.0
"""No ticket lives longer, whatever stands on it."""
SKEW_SECONDS = 300.0
"""So much may the clocks of two servers differ. A ticket that comes from further ahead counts for nothing: a clock has jumped."""
LONGEST_TEXT = 1000


@dataclass(frozen=True)
class Ticket:
    """A person who signed in. ``who`` is the entry of the password list that opened, ``name`` what to call the person.

    ``issued`` and ``ends`` are in seconds since 1970.
    """

    who: str
    name: str
    issued: float
    ends: float
    id: str


class Tickets:
    """Makes and reads tickets. A ticket is good until it ends, is signed out by its id, or the password behind it changes.

    Args:
        key: the signing key of the server.
        passwords: name → hash, as they are now.
        clock: seconds since 1970.
        notes: a file that remembers over a restart, and for other servers, which tickets were signed out; without, nothing does.
    """

    def __init__(
        self,
        key: bytes,
        passwords: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        notes: Path | None = None,
    ) -> None:
        self._key, self._passwords, self._clock = key, passwords, clock
        self.signed_out = SignedOut(notes)

    @property
    def cookie(self) -> str:
        """The cookie's name, told by the key: cookies know no ports, and two labs on one host must not take each other's."""
        return f"lab-{hashlib.sha256(b'cookie' + self._key).hexdigest()[:10]}"

    @property
    def device_cookie(self) -> str:
        """The name of the cookie by which a device is known that signed in before."""
        return f"{self.cookie}-device"

    def make(self, who: str, name: str, seconds: float) -> str:
        """The text of a new ticket that holds for so long."""
        now = self._clock()
        content = {
            "w": who,
            "n": name,
            "b": int(now),
            "e": int(now + min(seconds, LONGEST_SECONDS)),
            "i": secrets.token_urlsafe(12),
            "p": self._proof(who),
        }
        return self._signed(b"ticket", json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())

    def read(self, text: str | None) -> Ticket | None:
        """The ticket, or None where it is no ticket of this server, has ended, or counts no more."""
        content = self._content(b"ticket", text)
        if content is None:
            return None
        try:
            found = json.loads(content)
            ticket = Ticket(str(found["w"]), str(found["n"]), float(found["b"]), float(found["e"]), str(found["i"]))
            proof = str(found["p"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        # The password's hash is in the proof: a changed password signs everybody out who came in by it.
        if ticket.who not in self._passwords or not hmac.compare_digest(proof, self._proof(ticket.who)):
            return None
        return ticket if self.holds(ticket) else None

    def holds(self, ticket: Ticket) -> bool:
        """Whether a ticket that was good still is."""
        now = self._clock()
        ends = min(ticket.ends, ticket.issued + LONGEST_SECONDS)
        return ticket.issued - SKEW_SECONDS <= now < ends and ticket.id not in self.signed_out

    # --- devices

    def make_device(self) -> str:
        """What a device carries from its first sign-in on. It opens nothing: it has tries of its own where strangers have none left."""
        return self._signed(b"device", secrets.token_urlsafe(12).encode())

    def read_device(self, text: str | None) -> str:
        """The name of a device that signed in before; empty for any other."""
        content = self._content(b"device", text)
        return "" if content is None else content.decode("ascii", "replace")

    # --- signatures

    def _signed(self, kind: bytes, content: bytes) -> str:
        body = _text(content)
        return f"{body}.{_text(self._signature(kind, body))}"

    def _content(self, kind: bytes, text: str | None) -> bytes | None:
        """What was signed, as it is; None where this server did not sign it. Nothing of it is read before that is known."""
        body, dot, signature = (text or "").partition(".")
        if not dot or len(body) > LONGEST_TEXT or len(signature) > 100:
            return None
        try:
            if not hmac.compare_digest(_bytes(signature), self._signature(kind, body)):
                return None
            return _bytes(body)
        except (ValueError, binascii.Error):
            return None

    def _signature(self, kind: bytes, body: str) -> bytes:
        return hmac.digest(self._key, b"lab " + kind + b"\0" + body.encode("utf-8", "surrogatepass"), "sha256")

    def _proof(self, who: str) -> str:
        key = hmac.digest(self._key, b"lab password\0", "sha256")
        return hmac.digest(key, self._passwords.get(who, "").encode(), "sha256").hex()[:32]


def signing_key(home: Path, given: str = "") -> bytes:
    """The key that tickets are signed with: made of ``given``, else random and kept in the workspace, so that a restart signs nobody out.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    if given:
        return hashlib.sha256(b"lab key\0" + given.encode()).digest()
    path = home / KEY_FILE
    temporary = home / f"{KEY_FILE}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
            if len(key) == KEY_BYTES:
                return key
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        return path.read_bytes()
    except OSError as error:
        raise WorkspaceError(
            f"the session key cannot be saved at {path}: {error.strerror or error}",
            "Make the workspace writable, or set STREAMLIT_SERVER_COOKIE_SECRET",
        ) from error


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
