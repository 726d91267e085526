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

from labcore.errors import WorkspaceError
from labcore.workspace import write_atomically

KEY_FILE = ".access-key"
KEY_BYTES = 32
NOTES_FILE = ".access-signed-out"


@dataclass(frozen=True)
class Ticket:
    """A person who signed in. ``who`` is the entry of the password list that opened, ``name`` what to call the person.

    ``ends`` is in seconds since 1970.
    """

    who: str
    name: str
    ends: float
    id: str


class Tickets:
    """Makes and reads tickets. A ticket is good until it ends, is handed back, or the password behind it changes.

    Args:
        key: the signing key of the server.
        passwords: name → hash, as they are now.
        clock: seconds since 1970.
        notes: a file that remembers over a restart which tickets were handed back; without, nothing does.
    """

    def __init__(
        self,
        key: bytes,
        passwords: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        notes: Path | None = None,
    ) -> None:
        self._key, self._passwords, self._clock, self._notes = key, passwords, clock, notes
        self._handed_back = _noted(notes, clock()) if notes else {}
        self._lock = threading.Lock()

    @property
    def cookie(self) -> str:
        """The cookie's name, told by the key: cookies know no ports, and two labs on one host must not take each other's."""
        return f"lab-{hashlib.sha256(b'cookie' + self._key).hexdigest()[:10]}"

    def make(self, who: str, name: str, seconds: float) -> str:
        content = {"w": who, "n": name, "e": int(self._clock() + seconds), "i": secrets.token_urlsafe(12)}
        body = _text(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
        return f"{body}.{_text(self._signature(who, body))}"

    def read(self, text: str | None) -> Ticket | None:
        """The ticket, or None where it is no ticket of this server, has ended, or counts no more."""
        body, dot, signature = (text or "").partition(".")
        if not dot or len(body) > 1000:
            return None
        try:
            content = json.loads(_bytes(body))
            ticket = Ticket(str(content["w"]), str(content["n"]), float(content["e"]), str(content["i"]))
            given = _bytes(signature)
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
            return None
        known = ticket.who in self._passwords
        if not hmac.compare_digest(given, self._signature(ticket.who, body)) or not known:
            return None
        return ticket if self.holds(ticket) else None

    def holds(self, ticket: Ticket) -> bool:
        """Whether a ticket that was good still is."""
        return self._clock() < ticket.ends and ticket.id not in self._handed_back

    def hand_back(self, ticket: Ticket) -> None:
        """Signed out: the ticket counts no more, whoever has a copy."""
        now = self._clock()
        with self._lock:
            self._handed_back[ticket.id] = ticket.ends
            for past in [name for name, ends in self._handed_back.items() if ends < now]:
                del self._handed_back[past]
            if self._notes:
                lines = (f"{name} {ends:.0f}\n" for name, ends in self._handed_back.items())
                with contextlib.suppress(WorkspaceError):  # a full disk: the ticket counts no more until a restart
                    write_atomically(self._notes, "".join(lines))

    def _signature(self, who: str, body: str) -> bytes:
        # The password's hash is in the key: a changed password signs everybody out who came in by it.
        key = hmac.digest(self._key, b"lab ticket\0" + self._passwords.get(who, "").encode(), "sha256")
        return hmac.digest(key, body.encode(), "sha256")


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
            f"the key that keeps people signed in cannot be kept at {path}: {error.strerror or error}",
            "Make the workspace writable, or set STREAMLIT_SERVER_COOKIE_SECRET",
        ) from error


def _noted(notes: Path, now: float) -> dict[str, float]:
    """Tickets that were handed back before this server started, and would not have ended yet."""
    try:
        lines = [line.split() for line in notes.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return {}
    return {line[0]: float(line[1]) for line in lines if len(line) == 2 and line[1].isdigit() and float(line[1]) > now}


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
