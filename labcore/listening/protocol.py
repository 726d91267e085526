"""What stands before a request: a connection is bounded before anything is known of who asks."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import h11
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from labcore.listening.descriptors import most_connections, raise_descriptor_limit

SILENCE_SECONDS = 20.0
"""A connection may take so long from one answer, or its beginning, to the whole head of the next request."""
TAKING_SECONDS = 60.0
"""So long a client may take nothing of an answer. One whose network is gone would hold it, and the memory of it, for ever."""
SPARE = 16
"""Connections beyond all others, for those who ask whether the server is well."""
RETRY_SECONDS = 5
FULL = b"The server has as many connections as it can hold: try again in a moment.\n"


class HeadWithBody:
    """The writing side of a connection for one answer, whose head goes out with the beginning of its body: one system call, one packet.

    Args:
        answered: uvicorn's cycle of the request.
    """

    def __init__(self, answered: RequestResponseCycle) -> None:
        self._answered, self._transport = answered, answered.transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if (
            self._head is None and self._answered.response_started
        ):  # what comes before is no part of the answer: 100 Continue
            self._head = data
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = b"" if self._head is not None else None

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


@dataclass
class Bounds:
    """What the connections of a server share.

    Attributes:
        most: connections at a time.
        watched: paths at which a server tells that it is well. They are answered however many connections there are.
        silent: those without a request, the longest silent first.
    """

    most: int
    watched: Collection[str]
    silence_seconds: float = SILENCE_SECONDS
    taking_seconds: float = TAKING_SECONDS
    silent: OrderedDict[BoundedProtocol, None] = field(default_factory=OrderedDict)


class BoundedProtocol(H11Protocol):
    """HTTP of a bounded number of connections, each of which has so long for the head of a request.

    A new connection takes the place of the one that has been silent the longest; where all are running, it gets 503. uvicorn holds a
    head to 64 KiB. :func:`bound_connections` gives the bounds.
    """

    bounds: Bounds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._refused = False
        self._through, self.app = self.app, self._answer
        if self._too_many():
            if self.bounds.silent:
                self.bounds.silent.popitem(last=False)[0]._end_at_once()
            elif len(self.connections) > self.bounds.most + SPARE:
                self._end_at_once()
                return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look_for_request()

    def on_response_complete(self) -> None:
        self._await_head()
        super().on_response_complete()
        self._look_for_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._see_it_taken()

    def resume_writing(self) -> None:
        self._look_no_more()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._not_silent()
        self._look_no_more()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._begin()
        if self._refused:
            head = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            self.transport.write(head % (RETRY_SECONDS, len(FULL)) + FULL)
            self.transport.close()
        else:
            super().handle_websocket_upgrade(event)

    def _end_at_once(self) -> None:
        """Ended, it counts no more: the loop tells of the end only after requests that it has begun, which would be turned away."""
        self.connections.discard(self)
        self.transport.abort()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        """The application for one request of this connection."""
        self.cycle.transport = HeadWithBody(self.cycle)  # type: ignore[assignment]
        if not self._refused or scope["path"] in self.bounds.watched:
            await self._through(scope, receive, send)
            return
        headers = [(b"retry-after", b"%d" % RETRY_SECONDS), (b"connection", b"close"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": FULL})

    def _too_many(self) -> bool:
        return len(self.connections) > self.bounds.most

    def _await_head(self) -> None:
        self._not_silent()
        self.bounds.silent[self] = None
        self._timer = self.loop.call_later(self.bounds.silence_seconds, self.transport.close)

    def _look_for_request(self) -> None:
        if self in self.bounds.silent and self.cycle is not None and not self.cycle.response_complete:
            self._begin()

    def _begin(self) -> None:
        """A request begins. It is refused for those that run already; one that comes between here and its answer takes no place from it."""
        self._not_silent()
        self._refused = len(self.connections) - len(self.bounds.silent) > self.bounds.most

    def _see_it_taken(self, before: int | None = None) -> None:
        """Look now and then whether the client takes what waits for it, and let go of one that takes nothing."""
        left = self.transport.get_write_buffer_size()
        if left == before:
            self.transport.abort()
        else:
            self._taking = self.loop.call_later(self.bounds.taking_seconds, self._see_it_taken, left)

    def _look_no_more(self) -> None:
        if self._taking is not None:
            self._taking.cancel()

    def _not_silent(self) -> None:
        self.bounds.silent.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()


def bound_connections(config: uvicorn.Config, watched: Collection[str]) -> Bounds:
    """Have a server bound its connections, and not believe ``X-Forwarded-*`` by itself. It may be loaded already.

    Raises the limit of descriptors of this process.

    Args:
        watched: paths that are answered however many connections there are.

    Raises:
        ConfigError: ``LABCORE_MAX_CONNECTIONS`` is no number.
    """
    bounds = Bounds(most_connections(raise_descriptor_limit(), os.environ), watched)
    protocol = type("BoundedProtocol", (BoundedProtocol,), {"bounds": bounds})
    config.http = protocol
    # uvicorn by itself believes whoever connects from this machine, and says what it is.
    config.proxy_headers, config.forwarded_allow_ips, config.server_header = False, "", False
    if config.loaded:
        config.http_protocol_class = protocol
        config.encoded_headers = [pair for pair in config.encoded_headers if pair[0] != b"server"]
        while isinstance(config.loaded_app, ProxyHeadersMiddleware):
            config.loaded_app = config.loaded_app.app
    return bounds
