"""The files of the pages, compressed once and kept.

Streamlit compresses what it makes for a request, and leaves scripts, style sheets and the first page as they are, since it would
compress them anew for each visitor. Their names carry a hash of what is in them, so here each is compressed when it is first
asked for, and answered from memory after that. A first visit is a third of the bytes, and the second visitor costs no work.
"""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST = 500
"""Bytes under which compression is not worth its header."""
MOST_KEPT = 32 << 20
"""Bytes of compressed files that are kept together; the files of Streamlit are 7 MB."""
WORTH_IT = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")
"""Beginnings of the content types that shrink. Fonts, sounds and pictures are compressed by themselves."""
CONDITIONS = ("range", "if-range", "if-none-match", "if-modified-since")
"""A request with one of these is for a part of a file, or for none of it."""


class Compressed:
    """ASGI middleware behind the gate: compresses answers to GET that nothing behind it has compressed. WebSockets pass."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {}
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _may(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        kept = self._kept.get(scope["path"])
        if kept is not None:
            await _answer(send, *kept)
            return

        async def compressed(headers: MutableHeaders, body: bytes) -> bytes:
            short = await anyio.to_thread.run_sync(gzip.compress, body, 6)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(short))
            headers.add_vary_header("Accept-Encoding")
            if headers.get("etag", "").startswith('"'):
                headers["ETag"] = f"W/{headers['etag']}"  # the same file, in other bytes
            if "accept-ranges" in headers:
                del headers["accept-ranges"]
            self.keep(scope["path"], headers.raw, short)
            return short

        await self.app(scope, receive, changing(send, _worth_it, compressed))

    def keep(self, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep an answer that never changes under its path, as long as there is room."""
        if "immutable" in Headers(raw=headers).get("cache-control", "") and self._size + len(body) <= MOST_KEPT:
            if path not in self._kept:
                self._size += len(body)
            self._kept[path] = (headers, body)


def changing(
    send: Send, wanted: Callable[[Message], bool], change: Callable[[MutableHeaders, bytes], Awaitable[bytes]]
) -> Send:
    """The sending side that holds an answer back until it is whole where it is to be changed, and passes others on as they come.

    Args:
        wanted: whether an answer is to be changed, by its start.
        change: makes another body of it, and sets its headers right, the length among them.
    """
    start: Message | None = None
    body = bytearray()

    async def take(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and wanted(message):
            start = message
        elif start is None or message["type"] != "http.response.body":
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                headers = MutableHeaders(raw=list(start["headers"]))
                changed = await change(headers, bytes(body))
                await _answer(send, headers.raw, changed)

    return take


async def _answer(send: Send, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


def _may(headers: Headers) -> bool:
    """Whether a request is for a whole answer, by somebody who can read gzip."""
    if any(name in headers for name in CONDITIONS):
        return False
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _worth_it(start: Message) -> bool:
    """Whether an answer is a whole file of text, of a known and sufficient length, that nobody has compressed.

    One without a length is a stream, which is passed on as it comes.
    """
    headers = Headers(raw=list(start.get("headers", [])))
    length = headers.get("content-length", "")
    return (
        start["status"] == 200
        and length.isdecimal()
        and int(length) >= LEAST
        and "content-encoding" not in headers
        and "no-transform" not in headers.get("cache-control", "")
        and headers.get("content-type", "").startswith(WORTH_IT)
    )
