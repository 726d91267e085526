"""What stands before a request: a connection is bounded before anything is known of who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from labcore.access.proxies import Network, forwarded_client
from labcore.listening.places import Place, Places

SILENCE_SECONDS = 20.0
"""A connection may take so long from one answer, or its beginning, to the whole head of the next request."""
READ_SECONDS = 30.0
READ_LEAST = 1024
"""Where a client does not take an answer as fast as it comes, it is looked at so often whether it took so many bytes a second."""
RETRY_SECONDS = 5
FULL = b"The server has as many connections as it can hold: try again in a moment.\n"


@dataclass
class Guard:
    """What the connections of a server share.

    Attributes:
        watched: paths at which a server tells that it is well. They are answered however many connections there are.
        proxies: whose word on where a request comes from is believed.
    """

    places: Places
    watched: Collection[str]
    proxies: tuple[Network, ...] = ()
    silence_seconds: float = SILENCE_SECONDS
    read_seconds: float = READ_SECONDS


class GuardedProtocol(H11Protocol):
    """HTTP of a bounded number of connections; each has so long for the head of a request, and for taking an answer.

    uvicorn holds a head to 64 KiB. :func:`guarded` gives it its guard.
    """

    guard: Guard

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._silence: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._through: Any = self.app
        self._place: Place | None = self.guard.places.enter(self._peer, transport.abort)
        if self._place is None:
            transport.abort()
            return
        self.app = self._answer
        self._await_head()

    def on_response_complete(self) -> None:
        if self._place is not None:
            self.guard.places.rest(self._place)
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
        super().resume_writing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        place = self._place
        if place is None or not self._may_ask(dict(self.scope)) or place.spare:
            self.transport.write(_refusal())
            self.transport.close()
            return
        self._cancel_timers()
        super().handle_websocket_upgrade(event)
        successor: Any = self.transport.get_protocol()
        lost = successor.connection_lost

        def leaving(exc: Exception | None) -> None:
            self._leave()
            lost(exc)

        successor.connection_lost = leaving

    # --- places

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        """The application for one request of this connection."""
        may = self._may_ask(scope)
        spare = self._place is not None and self._place.spare
        if scope["path"] in self.guard.watched or (may and not spare):
            await self._through(scope, receive, send)
            return
        headers = [(b"retry-after", b"%d" % RETRY_SECONDS), (b"connection", b"close"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": FULL})

    def _may_ask(self, scope: Any) -> bool:
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        address = forwarded_client(self._peer, forwarded, self.guard.proxies)
        return self._place is not None and self.guard.places.ask(self._place, address)

    def _leave(self) -> None:
        self._cancel_timers()
        if self._place is not None:
            self.guard.places.leave(self._place)

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    # --- patience

    def _await_head(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self.loop.call_later(self.guard.silence_seconds, self._close_unless_asked)

    def _close_unless_asked(self) -> None:
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()

    def _await_reader(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
        left = self.transport.get_write_buffer_size()
        self._slow = self.loop.call_later(self.guard.read_seconds, self._close_unless_read, left)

    def _close_unless_read(self, left_before: int) -> None:
        taken = left_before - self.transport.get_write_buffer_size()
        if taken < READ_LEAST * self.guard.read_seconds:
            self.transport.abort()
        else:
            self._await_reader()

    def _cancel_timers(self) -> None:
        for timer in (self._silence, self._slow):
            if timer is not None:
                timer.cancel()


def guarded(guard: Guard) -> type[GuardedProtocol]:
    """The protocol class of a server with this guard, for uvicorn."""
    return type("GuardedProtocol", (GuardedProtocol,), {"guard": guard})


def _refusal() -> bytes:
    head = f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_SECONDS}\r\nContent-Length: {len(FULL)}\r\nConnection: close\r\n\r\n"
    return head.encode() + FULL
