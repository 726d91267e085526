"""Headers that every answer of the lab carries."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import Message

from ui.app.first_page import SCRIPT

SANDBOX = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:"


@functools.cache
def pages_policy() -> str:
    """What pages may load: from the lab itself and nowhere else, so that a page never tells another host that it was opened.

    Of scripts that stand in a page, only Streamlit's own and the lab's are run.
    """
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", index.read_text(encoding="utf-8"), re.DOTALL)
    scripts = " ".join(f"'{_digest(script)}'" for script in (*inline, SCRIPT))
    rules = (
        "default-src 'self'",
        f"script-src 'self' {scripts} 'unsafe-eval' blob:",  # Vega compiles its expressions; components are blobs
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
    return "; ".join(rules)


SECONDS_OF_HTTPS = 365 * 24 * 3600
"""So long a browser that came by HTTPS does not come by HTTP."""
PERMISSIONS = "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), serial=(), display-capture=()"


def own_policy(style: str) -> str:
    """The policy of a page without scripts whose one style sheet is this text."""
    return f"{SANDBOX}; style-src '{_digest(style)}'"


def harden(message: Message, path: str, secure: bool = False) -> None:
    """Set the headers of an answer that is about to start. What an answer says for itself stays.

    Args:
        path: that was asked for, without the base path.
        secure: the browser came by HTTPS, under a name that has it always.
    """
    headers = MutableHeaders(raw=message["headers"])
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if secure:
        headers["Strict-Transport-Security"] = f"max-age={SECONDS_OF_HTTPS}"
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Content-Security-Policy", pages_policy())
    if "server" in headers:
        del headers["server"]
    if path.startswith("/media/") or headers.get("content-type", "").startswith("text/html"):
        headers["Cache-Control"] = "no-store" if not path.startswith("/media/") else "private, no-store"
    elif path.startswith("/app/static/"):
        headers.setdefault("Cache-Control", "private, max-age=86400")
    message["headers"] = headers.raw


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
