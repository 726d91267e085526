"""What every request passes before it is answered: its id, the key, admission, limits of its body; and the line that is logged of it."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labcore.access.proxies import FORWARDED, Network, forwarded_client
from labcore.api.logs import requests as log
from labcore.api.metrics import Metrics
from labcore.api.problems import Problem
from labcore.errors import LabError
from labcore.serving.admission import Admission, Reservation
from labcore.serving.batcher import Overloaded
from labcore.serving.settings import ServiceSettings

CLASSIFY = "/v1/classify"
WATCHED = ("/healthz", "/readyz")
OPEN = ("/docs", "/redoc", "/openapi.json", *WATCHED)
"""Answered without a key and whatever the load: who watches the service asks these, and the documentation tells nothing of its models."""
ASSETS = "/static-offline-docs/"
ROUTES = (CLASSIFY, "/v1/models", "/v1/reload", "/metrics", "/", *OPEN)
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
DISCARD_SECONDS = 2.0
SLOWEST = 64 * 1024
"""Bytes a second that a body has to come at, after its first seconds."""
PIECE = 64 * 1024
"""Bytes of an answer that are handed to the server at once."""
TAIL = 512
"""Bytes of a body's end that are kept: a form ends with its boundary, of 70 letters at most."""
GONE = 499


@dataclass
class ServiceState:
    """What a service is at; shared between the gate, the routes and the server around them."""

    ready: bool = True
    """False from the moment on at which it is asked to end."""
    closing: bool = False
    """From here on nothing new is taken."""


@dataclass(eq=False)
class ServiceMiddleware:
    """ASGI middleware around the whole service.

    Args:
        keys: one of these has to come with every request but those to ``OPEN``; none: nobody is asked.
        hosts: names under which the service may be addressed; None: any. Keeps pages of other origins from talking to a service
            without a key under a name that they point at this machine (DNS rebinding).
        proxies: whose word on where a request comes from is believed.
        root: the path that a proxy publishes the service below, "" or ``/sounds``. It may take it off a request, or leave it there.
    """

    app: ASGIApp
    settings: ServiceSettings
    admission: Admission
    metrics: Metrics
    state: ServiceState
    keys: Collection[str] = ()
    hosts: Collection[str] | None = None
    proxies: tuple[Network, ...] = ()
    root: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.root and scope["path"].startswith(f"{self.root}/"):
            scope = {**scope, "path": scope["path"][len(self.root) :]}
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        peer = request.client.host if request.client else ""
        client = forwarded_client(peer, request.headers.getlist("x-forwarded-for"), self.proxies)
        context = RequestContext(given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8), client)
        scope["state"] = {**scope.get("state", {}), "context": context}
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", context.request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        try:
            await self._pass(request, context, receive, sending)
        finally:
            self._note(request, context, time.perf_counter() - began)

    async def _pass(self, request: Request, context: RequestContext, receive: Receive, send: Send) -> None:
        scope = request.scope
        inner = {**scope, "root_path": self.root, "path": self.root + scope["path"]} if self.root else scope
        body = context.body = Body(receive, self.settings)
        try:
            self._check(request)
            if scope["path"] != CLASSIFY or scope["method"] != "POST":
                await self.app(inner, body, send)
                return
            if self.state.closing:
                raise Problem.of(Overloaded("the service is shutting down", "Try again shortly"))
            with self.admission.enter(context.client) as reservation:
                context.reservation = body.reservation = reservation
                body.expect(request.headers.get("content-length"))
                await self.app(inner, body, in_pieces(send))
        except ClientDisconnect:
            return
        except Exception as error:
            if context.status != GONE:  # the head of a response is out already
                raise
            if isinstance(error, LabError):
                error = Problem.of(error)
            if not isinstance(error, Problem):
                log.error("a fault of the service", exc_info=error, extra={"facts": {"request_id": context.request_id}})
                error = Problem(
                    500, "fault", "something went wrong inside the service", "See its log, by the request's id"
                )
            response = await refuse(request, error)
            await response(scope, receive, send)

    def _check(self, request: Request) -> None:
        if self.hosts is not None:
            if not self._is_known(request.headers.get("host", "")):
                raise Problem(
                    421,
                    "host",
                    "unknown host name",
                    "Set LABCORE_API_KEY to allow any host name",
                )
            if any(name in request.headers for name in FORWARDED):
                raise Problem(
                    403,
                    "proxy",
                    "the request comes through a proxy, and the service has no key",
                    "Set LABCORE_API_KEY, or give --no-key if the proxy asks for one",
                )
            origin = request.headers.get("origin")
            if origin is not None and not self._is_known(origin.partition("://")[2]):
                raise Problem(
                    403,
                    "origin",
                    "the request comes from another site",
                    "Set LABCORE_API_KEY to allow requests from other sites",
                )
        path = request.scope["path"]
        if not self.keys or path in OPEN or path.startswith(ASSETS):
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        text = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        given = text.encode("utf-8", "replace")
        # all of them are compared, so that the time tells nothing
        if not sum(hmac.compare_digest(given, key.encode()) for key in self.keys):
            raise Problem(
                401, "key", "an API key is required" if not given else "the API key is invalid",
                "Send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`", headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

    def _is_known(self, host: str) -> bool:
        """Whether a name, with or without a port, is one that the service may be addressed by."""
        return self.hosts is None or re.sub(r":\d+$", "", host).lower() in self.hosts

    def _note(self, request: Request, context: RequestContext, seconds: float) -> None:
        path = request.scope["path"]
        if context.refused:
            self.metrics.refused.labels(context.refused).inc()
        route = path if path in ROUTES else "/v1/models/{name}" if path.startswith("/v1/models/") else "other"
        self.metrics.requests.labels(route, str(context.status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if route in (*WATCHED, "/metrics") and context.status < 400:
            return
        known = request.method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS")
        facts = {
            "request_id": context.request_id,
            "method": request.method if known else "other",
            "route": route,
            "status": context.status,
            "milliseconds": round(1000 * seconds, 1),
            "client": context.client,
            **context.facts,
        }
        log.info("request", extra={"facts": facts})


async def refuse(request: Request, problem: Problem) -> Response:
    """The response that tells a problem, at once: the server passes over the rest of a body of a known, accepted length by itself.

    Of any other body a part is read first, so that the client gets to see the answer, and the connection is closed after it.
    """
    context: RequestContext = request.state.context
    context.refused = problem.kind
    if context.body is not None and not context.body.complete and not context.body.bounded(request):
        if "expect" not in request.headers:
            await context.body.discard()
        problem.headers["Connection"] = "close"
    return problem.response(context.request_id)


@dataclass
class RequestContext:
    """One request on its way, from the address ``client``. ``status`` ``GONE`` is one whose client went away before it was answered."""

    request_id: str
    client: str = ""
    status: int = GONE
    refused: str = ""
    reservation: Reservation | None = None
    body: Body | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def in_pieces(send: Send) -> Send:
    """The sending side of a request, in pieces: the memory of an answer counts as in hand until the client has taken it."""

    async def sending(message: Message) -> None:
        body = message.get("body", b"") if message["type"] == "http.response.body" else b""
        if len(body) <= PIECE:
            await send(message)
            return
        view = memoryview(body)
        for first in range(0, len(body), PIECE):
            more = first + PIECE < len(body) or message.get("more_body", False)
            await send({**message, "body": bytes(view[first : first + PIECE]), "more_body": more})

    return sending


class Body:
    """The receiving side of a request: counts what comes, and waits for a silent client no longer than it may be. ``tail`` is the end of
    what came."""

    def __init__(self, receive: Receive, settings: ServiceSettings) -> None:
        self._receive, self._settings = receive, settings
        self.reservation: Reservation | None = None
        self.complete, self.tail = False, b""
        self._read = self._reserved = 0
        self._began = time.monotonic()

    def expect(self, length: str | None) -> None:
        """What the head says of the length. Memory is taken as bytes come, not by what is claimed.

        Raises:
            Problem: it is too much.
        """
        if length is not None and length.isdecimal():
            self._accepted(int(length))

    def bounded(self, request: Request) -> bool:
        """Whether what is still to come is known to be no more than is accepted."""
        length = request.headers.get("content-length", "" if "transfer-encoding" in request.headers else "0")
        return length.isdecimal() and int(length) <= self._settings.max_bytes

    async def __call__(self) -> Message:
        if self.complete:
            return await self._receive()  # the client went away: nothing else comes now
        left = self._began + self._settings.body_timeout_s + self._read / SLOWEST - time.monotonic()
        with anyio.move_on_after(max(0.0, left)) as patience:
            message = await self._receive()
        if patience.cancelled_caught:
            raise Problem(
                408, "slow", "the body arrives too slowly", "Send it without pauses", headers={"Connection": "close"}
            )
        if message["type"] == "http.request":
            body = message.get("body", b"")
            self._read += len(body)
            self.tail = (self.tail + body[-TAIL:])[-TAIL:]
            self.complete = not message.get("more_body", False)
            self._accepted(self._read)
            if self.reservation is not None and self._read > self._reserved:
                self.reservation.take(self._read - self._reserved)
                self._reserved = self._read
        return message

    async def gone(self) -> None:
        """Returns when the client has gone away. To be asked after the whole body came."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def discard(self) -> None:
        """Read what a refused client still sends, as much as may be sent at all, so that it gets to read the answer."""
        end, most = time.monotonic() + DISCARD_SECONDS, self._read + self._settings.max_bytes
        while not self.complete and self._read <= most:
            with anyio.move_on_after(max(0.0, end - time.monotonic())) as patience:
                message = await self._receive()
            if patience.cancelled_caught or message["type"] != "http.request":
                return
            self._read += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)

    def _accepted(self, size: int) -> None:
        if size > self._settings.max_bytes:
            limit = self._settings.max_bytes / 2**20
            told = f"the body is larger than the {limit:g} MiB that are accepted"
            raise Problem(
                413, "size", told, f"Send less at once, or start the service with a larger --max-mb than {limit:g}"
            )
