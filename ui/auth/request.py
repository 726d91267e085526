"""What can be believed of a request: where it comes from, by what name and scheme it reached the lab."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import anyio
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope
from streamlit import config

from labcore.access.proxies import FORWARDED, Network, forwarded_client, is_within
from labcore.access.settings import is_loopback

BODY_SILENCE_SECONDS = 60.0
"""So long a client may pause in the body of a request. One whose network is gone would hold its connection for ever."""


def client_address(connection: HTTPConnection, proxies: Iterable[Network]) -> str:
    """The address a request comes from. ``X-Forwarded-For`` counts only as far back as proxies that are trusted wrote it."""
    peer = connection.client.host if connection.client else ""
    return forwarded_client(peer, connection.headers.getlist("x-forwarded-for"), proxies)


def is_https(connection: HTTPConnection, proxies: Iterable[Network]) -> bool:
    """Whether the browser speaks HTTPS, to the lab itself or to a trusted proxy before it."""
    if connection.url.scheme in ("https", "wss"):
        return True
    peer = connection.client.host if connection.client else ""
    scheme = connection.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return scheme in ("https", "wss") and is_within(peer, proxies)


def secured_by_proxy(connection: HTTPConnection, proxies: Iterable[Network]) -> bool:
    """Whether a trusted proxy says that the browser speaks HTTPS with it, under a name of its own.

    Not on localhost: a browser would then reach nothing there without HTTPS, on no port.
    """
    plain = connection.url.scheme not in ("https", "wss")
    return plain and not is_loopback(connection.url.hostname) and is_https(connection, proxies)


def seen_from_outside(scope: Scope, proxies: Iterable[Network]) -> Scope:
    """The scope of a request as it began: where it comes from, and by which scheme. What stands behind the gate believes it."""
    connection, proxies = HTTPConnection(scope), tuple(proxies)
    client = connection.client
    address = client_address(connection, proxies)
    changed: dict[str, Any] = {}
    if client is not None and address != client.host:
        changed["client"] = (address, 0)
    if is_https(connection, proxies):
        changed["scheme"] = "wss" if scope["type"] == "websocket" else "https"
    return {**scope, **changed}


def from_elsewhere(connection: HTTPConnection) -> bool:
    """Whether a request reached a lab that is meant for its own machine from another one: by an outer address, or through a proxy."""
    server = connection.scope.get("server")
    if server and server[1] is not None and not is_loopback(server[0]):
        return True
    return any(name in connection.headers for name in FORWARDED)


def host_allowed(connection: HTTPConnection) -> bool:
    """Whether the Host header is among ``server.allowedHosts``; by Streamlit's own rules."""
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    return is_host_allowed(connection.headers.get("host"))


def same_origin(connection: HTTPConnection, *, required: bool) -> bool:
    """Whether a browser sent this from a page of the lab itself.

    Args:
        required: what sends no Origin counts as foreign. Browsers always send one with a POST and with a WebSocket.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    if origin is None:
        return not required
    if origin in {allowed.strip() for allowed in config.get_option("server.corsAllowedOrigins")}:
        return True
    return origin.partition("://")[2].lower() == connection.headers.get("host", "").lower() != ""


def safe_next(wanted: str, base: str) -> str:
    """Where to go after signing in: a path of this lab with its query, or its start where the wish is anything else."""
    start = f"{base}/"
    if not wanted.startswith(start) or wanted.startswith("//") or len(wanted) > 2000:
        return start
    if "\\" in wanted or any(ord(letter) < 33 or ord(letter) == 127 for letter in wanted):
        return start
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or _plain(parts.path).startswith("//") or ".." in _plain(parts.path).split("/"):
        return start
    inner = _plain(parts.path).removeprefix(base)
    if inner in ("/login", "/logout") or inner.startswith(
        ("//", "/login/", "/logout/", "/auth/", "/_stcore/", "/oauth2callback")
    ):
        return start
    return quote(parts.path, safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")


def patient(receive: Receive, seconds: float = BODY_SILENCE_SECONDS) -> Receive:
    """The receiving side of a request whose sender may pause so long in its body; it has gone away otherwise."""
    whole = False

    async def take() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        message: Message = {"type": "http.disconnect"}
        with anyio.move_on_after(seconds):
            message = await receive()
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return take


def _plain(path: str) -> str:
    """A path as a server, or one that stands before it, may come to read it: unescaped, however often it was escaped."""
    for _ in range(10):
        unescaped = unquote(path)
        if unescaped == path:
            break
        path = unescaped
    return path.replace("\\", "/")
