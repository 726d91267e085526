"""The document that a visit begins with: Streamlit's own, with the lab's name and the room that the page will take.

Until the first words of a page arrive, Streamlit draws an empty page without a sidebar, narrow and in the middle; then everything
moves. The style below gives the empty page the place that it will have. It ends to count as soon as there is anything on it.

With it come ``page.css``, what Streamlit's theme has no setting for, and ``page.js``, what its pages do not do by themselves.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from ui.app.compression import changing

SIDEBAR_REM = 18.75
"""Width of Streamlit's sidebar, in sizes of the base font."""
WIDE_PX = 768
"""Narrower windows show the sidebar on request only."""
EMPTY = (
    "[data-testid=stApp]:not(:has("
    "[data-testid=stSidebar], [data-testid=stElementContainer] > :not([data-testid=stAppSkeleton])))"
)
"""The app while nothing of a page is there but Streamlit's own stand-in."""
ROOT = b'<div id="root">'
SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
LOOKS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def style() -> str:
    """The style sheet of every page, and that of a page on which nothing is yet."""
    room = SIDEBAR_REM * (config.get_option("theme.baseFontSize") or 16)
    wide = f"{EMPTY} [data-testid=stMainBlockContainer] {{ max-width: none }}"
    beside = f"{EMPTY} [data-testid=stAppViewContainer] {{ box-sizing: border-box; padding-left: {room:g}px }}"
    return f"{LOOKS}{wide} @media (min-width: {WIDE_PX}px) {{ {beside} }}"


def dressed(document: bytes) -> bytes:
    """Streamlit's document with the lab's name, style and script; any other one as it is."""
    if ROOT not in document:
        return document
    document = document.replace(b"<title>Streamlit</title>", b"<title>Audio GPU Lab</title>", 1)
    head = f"<style>{style()}</style><script>{SCRIPT}</script></head>"
    return document.replace(b"</head>", head.encode(), 1)


class FirstPage:
    """ASGI middleware: dresses HTML documents on their way out. It stands next to Streamlit, before anything compresses them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        if "text/html" in Headers(scope=scope).get("accept", ""):  # Streamlit compresses documents under some addresses
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}
        await self.app(scope, receive, changing(send, _is_document, _dressed))


async def _dressed(headers: MutableHeaders, document: bytes) -> bytes:
    whole = dressed(document)
    headers["Content-Length"] = str(len(whole))
    return whole


def _is_document(start: Message) -> bool:
    headers = Headers(raw=list(start.get("headers", [])))
    return (
        start["status"] == 200
        and headers.get("content-type", "").startswith("text/html")
        and "content-encoding" not in headers
    )
