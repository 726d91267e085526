"""The gate itself: what is let through, and what each stranger gets instead.

It stands before everything that the server answers, so a new route of Streamlit is closed until somebody opens it here.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from ui.app import limits
from ui.auth import headers, pages, sessions
from ui.auth import policy as policies
from ui.auth.login import Login
from ui.auth.policy import AccessPolicy
from ui.auth.request import (
    from_elsewhere,
    host_allowed,
    patient,
    safe_next,
    same_origin,
    secured_by_proxy,
    seen_from_outside,
)
from ui.auth.sessions import POLICY_VIOLATION, OpenPage

HEALTH = "/_stcore/health"
OURS = ("/login", "/login/oidc", "/logout")
OF_PROVIDERS = ("/auth/login", "/auth/logout", "/oauth2callback")
"""Streamlit's own login, open where a provider is set."""
log = logging.getLogger("audio_gpu_lab")


class AccessMiddleware:
    """ASGI middleware. Without settings of its own it asks :func:`ui.auth.policy.policy` at the first request."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy | None = None) -> None:
        self.app = app
        self._policy = policy
        self._sessions = sessions.Sessions()

    @property
    def policy(self) -> AccessPolicy:
        return self._policy or policies.policy()

    @functools.cached_property
    def login(self) -> Login:
        return Login(self.policy)

    @functools.cached_property
    def uploads(self) -> limits.Uploads:
        return limits.Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    # --- pages, media, uploads

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, patient(receive))
        path = self._inner(scope["path"])
        proxies = self.policy.access.proxies
        secure, started = secured_by_proxy(request, proxies), False

        async def hardened(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": list(message.get("headers", []))}
                headers.harden(message, path or scope["path"], secure)
            await send(message)

        answer = await self._answer(request, path)
        if answer is not None:
            await answer(scope, receive, hardened)
            return
        inner = Request(seen_from_outside(scope, proxies), request.receive)
        try:
            if path.startswith(limits.UPLOAD) and scope["method"] not in ("DELETE", "OPTIONS"):
                await self._upload(inner, path, hardened)
            else:
                await self.app(inner.scope, inner.receive, hardened)
        except ClientDisconnect:  # or too slow
            if not started:
                slow = PlainTextResponse("The request arrived too slowly.", 408, {"Connection": "close"})
                await slow(scope, receive, hardened)

    async def _answer(self, request: Request, path: str) -> Response | None:
        """The gate's own answer, or None where the lab answers."""
        access = self.policy.access
        if path == HEALTH and request.method in ("GET", "HEAD"):
            return None
        if not host_allowed(request):
            return pages.wrong_host(request.headers.get("host", ""))
        if access.behind_proxy:
            return None
        if not access.demanded:
            return pages.through_a_proxy() if from_elsewhere(request) else None
        if not access.usable:
            return self._closed(request)
        if path in OURS:
            return await self.login.answer(request, path)
        if path in OF_PROVIDERS and access.providers:
            if path == "/auth/logout" and (trouble := self.policy.sign_out(request.cookies)):
                log.error("somebody signed out, but %s", trouble)
            return None
        visitor = self.policy.visitor(request.cookies)
        if visitor is None:
            return self._stranger(request)
        if path.startswith(limits.UPLOAD):
            session, _ = limits.ids(path)
            if not self._sessions.belongs(session, visitor.sign_in):
                return PlainTextResponse("This page belongs to another sign-in: reload it.", 403)
        if path == "/" and access.providers:
            return self.login.after_provider(request)
        return None

    def _closed(self, request: Request) -> Response:
        if _wants_page(request):
            return pages.closed(self.policy.access.why, self.policy.access.troubles)
        return PlainTextResponse("The lab has no password yet, so it is closed.", 503)

    def _stranger(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD") or not _wants_page(request):
            return PlainTextResponse("Sign in first.", 401, {"Cache-Control": "no-store"})
        query = request.scope.get("query_string", b"").decode("latin-1")
        wanted = quote(request.scope["path"]) + (f"?{query}" if query else "")
        target = safe_next(wanted, self.policy.base)
        login = f"{self.policy.base}/login"
        return RedirectResponse(
            login if target == f"{self.policy.base}/" else f"{login}?next={quote(target, safe='/')}", 303
        )

    async def _upload(self, request: Request, path: str, send: Send) -> None:
        session, file = limits.ids(path)
        length = request.headers.get("content-length", "")
        refusal: tuple[int, str] | None = (411, "The upload does not state its length")
        if length.isdecimal():
            refusal = self.uploads.refusal(session, file, int(length))
        if refusal is not None:
            status, why = refusal
            log.warning("an upload was refused: %s", why)
            # The body is left unread: the server closes the connection.
            answer = PlainTextResponse(why, status, {"Connection": "close"})
            await answer(request.scope, request.receive, send)
            return
        with self.uploads.coming(session, file, int(length)):
            await self.app(request.scope, request.receive, send)

    # --- the WebSocket of a page

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        visitor = self.policy.visitor(connection.cookies) if self.policy.access.demanded else None
        still = self._let_in(connection)
        if still is None:
            await receive()  # the server's own "connect"
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return

        scope = seen_from_outside(scope, self.policy.access.proxies)
        if visitor is not None and not self._sessions.belongs(sessions.wanted(scope), visitor.sign_in):
            scope = sessions.without_session(scope)
        page = OpenPage(receive, send, still, self._sessions, visitor)
        try:
            await self.app(scope, page.receive, page.send)
        finally:
            page.left()

    def _let_in(self, connection: HTTPConnection) -> Callable[[], bool] | None:
        """None for a stranger; else what tells whether the visitor still may."""
        access, cookies = self.policy.access, connection.cookies
        # Streamlit would ask another host for this machine's outer address to judge a foreign origin: it does not get so far.
        if not host_allowed(connection) or (
            config.get_option("server.enableCORS") and not same_origin(connection, required=False)
        ):
            return None
        if access.behind_proxy:
            return lambda: True
        if not access.demanded:
            return None if from_elsewhere(connection) else lambda: True
        if self.policy.visitor(cookies) is None:
            return None
        return lambda: self.policy.visitor(cookies) is not None

    def _inner(self, path: str) -> str:
        """A path without the base path; empty outside of it."""
        base = self.policy.base
        if path == base:
            return "/"
        return path.removeprefix(base) if path.startswith(f"{base}/") else ""


def _wants_page(request: Request) -> bool:
    """Whether a person looks at the answer: a browser that goes somewhere, not a script or an image."""
    mode = request.headers.get("sec-fetch-dest")
    if mode is not None:
        return mode in ("document", "iframe", "frame")
    return "text/html" in request.headers.get("accept", "")
