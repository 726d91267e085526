"""Headers that every answer of the lab carries."""

from __future__ import annotations

import base64
import hashlib

from starlette.datastructures import MutableHeaders
from starlette.types import Message

SANDBOX = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:"
PAGES = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",  # Vega compiles its expressions
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
)
"""What pages may load: from the lab itself and nowhere else, so that a page never tells another host that it was opened."""

PERMISSIONS = (
    "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), serial=(), display-capture=()"
)


def own_policy(style: str) -> str:
    """The policy of a page without scripts whose one style sheet is this text."""
    return f"{SANDBOX}; style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


def harden(message: Message, path: str) -> None:
    """Set the headers of an answer that is about to start. What an answer says for itself stays.

    Args:
        path: that was asked for, without the base path.
    """
    headers = MutableHeaders(raw=message["headers"])
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    headers.setdefault("Content-Security-Policy", PAGES)
    if "server" in headers:
        del headers["server"]
    if path.startswith("/media/") or headers.get("content-type", "").startswith("text/html"):
        headers["Cache-Control"] = "no-store" if not path.startswith("/media/") else "private, no-store"
    message["headers"] = headers.raw
