"""Session cookies: what the browser of a person who signed in carries. Signed, never encrypted: they hold a name and times, no secret."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from labcore.access.signed_out import SignedOut
from labcore.errors import WorkspaceError
from labcore.workspace import opened_atomically

KEY_FILE = ".access-key"
KEY_BYTES = 32
LONGEST_SECONDS = 30 * 24 * 3600.0
"""No session lives longer, whatever its cookie says."""
SKEW_SECONDS = 300.0
"""So much may the clocks of two servers differ. A cookie that comes from further ahead counts for nothing: a clock has jumped."""
SHA256 = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True)
class SignIn:
    """A person who signed in. ``who`` is the entry of the password list that opened, ``name`` what to call the person."""

    who: str
    name: str
    id: str


class SessionCookies:
    """Makes and reads the cookies. One is good until it ends, is signed out by its id, or the password behind it changes.

    Args:
        key: the signing key of the server.
        passwords: name → hash, as they are now.
        notes: a file that remembers over a restart, and for other servers, what was signed out; without, nothing does.
    """

    def __init__(self, key: bytes, passwords: Mapping[str, str], notes: Path | None = None) -> None:
        self._key, self._passwords = key, passwords
        self._sessions = URLSafeTimedSerializer(key, salt=b"lab session", signer_kwargs=SHA256)
        self._devices = URLSafeSerializer(key, salt=b"lab device", signer_kwargs=SHA256)
        self.signed_out = SignedOut(notes)

    @property
    def name(self) -> str:
        """The cookie's name, told by the key: cookies know no ports, and two labs on one host must not take each other's."""
        return f"lab-{hashlib.sha256(b'cookie' + self._key).hexdigest()[:10]}"

    @property
    def device_name(self) -> str:
        """The name of the cookie by which a device is known that signed in before."""
        return f"{self.name}-device"

    def make(self, who: str, name: str, seconds: float) -> str:
        """The text of a new cookie that holds for so long."""
        return self._sessions.dumps([who, name, secrets.token_urlsafe(12), seconds, self._proof(who)])

    def read(self, text: str | None) -> SignIn | None:
        """Whose cookie it is; None where this server did not sign it, it has ended, or counts no more."""
        try:
            content, issued = self._sessions.loads(text or "", return_timestamp=True)
        except (BadData, ValueError):
            return None
        who, name, sign_in, seconds, proof = content
        since = time.time() - issued.timestamp()
        if not -SKEW_SECONDS <= since < min(seconds, LONGEST_SECONDS):
            return None
        # The password's hash is in the proof: a changed password signs everybody out who came in by it.
        if who not in self._passwords or not hmac.compare_digest(proof, self._proof(who)):
            return None
        return None if sign_in in self.signed_out else SignIn(who, name, sign_in)

    def make_device(self) -> str:
        """What a device carries from its first sign-in on. It opens nothing: it has tries of its own where strangers have none left."""
        return self._devices.dumps(secrets.token_urlsafe(12))

    def read_device(self, text: str | None) -> str:
        """The name of a device that signed in before; empty for any other."""
        with contextlib.suppress(BadData, ValueError):
            return str(self._devices.loads(text or ""))
        return ""

    def _proof(self, who: str) -> str:
        return hmac.digest(self._key, b"lab password\0" + self._passwords.get(who, "").encode(), "sha256").hex()[:32]


def signing_key(home: Path, given: str = "") -> bytes:
    """The key that cookies are signed with: made of ``given``, else random and kept in the workspace, so that a restart signs nobody out.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    if given:
        return hashlib.sha256(b"lab key\0" + given.encode()).digest()
    path = home / KEY_FILE
    remedy = "Make the workspace writable, or set STREAMLIT_SERVER_COOKIE_SECRET"
    with WorkspaceError.on_os_error(f"the session key cannot be saved at {path}", remedy):
        home.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
            if len(key) == KEY_BYTES:
                return key
        with opened_atomically(path, remedy=remedy) as file:
            Path(file.name).chmod(0o600)
            file.write(secrets.token_bytes(KEY_BYTES))
        return path.read_bytes()
