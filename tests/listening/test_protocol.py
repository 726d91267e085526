"""What goes over a connection, by a transport that notes what is written."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from labcore.listening.protocol import bound_connections
from tests.coroutines import finish


class Noted(asyncio.Transport):
    """A transport of TCP that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        if data:
            self.written.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def answers(app, *sent: bytes) -> Noted:
    """What an application writes when these bytes come one after the other."""

    async def served() -> Noted:
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        bound_connections(config, ())
        config.load()
        transport, protocol = Noted(), config.http_protocol_class(config, ServerState(), {})
        protocol.connection_made(transport)
        for part in sent:
            protocol.data_received(part)
            for _ in range(10):
                await asyncio.sleep(0)
        protocol.connection_lost(None)
        return transport

    return finish(served())


def answering(*body: bytes, status: int = 200):
    async def app(scope, receive, send) -> None:
        await receive()
        length = [(b"content-length", b"%d" % sum(map(len, body)))]
        await send({"type": "http.response.start", "status": status, "headers": length})
        for number, part in enumerate(body, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(body)})

    return app


@pytest.mark.parametrize("body", [b"hello", b"x" * 100_000, b""])
def test_the_head_of_an_answer_goes_out_with_its_body(body: bytes) -> None:
    (written,) = answers(answering(body), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").written
    head, _, rest = written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert rest == body


def test_parts_of_a_body_go_out_as_they_come() -> None:
    first, second = answers(answering(b"one", b"two"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").written
    assert first.endswith(b"\r\n\r\none")
    assert second == b"two"


def test_a_head_without_a_body_goes_out_too() -> None:
    (written,) = answers(answering(b"hello"), b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").written
    assert written.endswith(b"\r\n\r\n")


def test_two_requests_of_a_connection_are_answered_in_order() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [each[-5:] for each in answers(answering(b"hello"), request, request).written] == [b"hello", b"hello"]


def test_who_asks_whether_to_go_on_is_told_at_once() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    told, answer = answers(answering(b"hello"), head, b"abc").written
    assert told.startswith(b"HTTP/1.1 100")
    assert answer.startswith(b"HTTP/1.1 200")


def test_an_application_that_fails_after_the_head_has_it_sent() -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        raise RuntimeError("a fault")

    seen = answers(app, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert seen.closed
    assert seen.written[0].startswith(b"HTTP/1.1 200")


class Waiting(Noted):
    """A transport with an answer in it, of which the client takes so much at each look."""

    def __init__(self, *left: int) -> None:
        super().__init__()
        self.left = list(left)
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(
    ("left", "resumed", "aborted"),
    [
        ((100, 100), False, True),
        ((100, 60, 60), False, True),
        ((100, 60), True, False),
        (range(100, 0, -1), False, False),
    ],
)
def test_a_client_that_takes_nothing_of_its_answer_is_let_go(left, resumed: bool, aborted: bool) -> None:
    async def served() -> bool:
        config = uvicorn.Config(answering(b"hello"), log_config=None, lifespan="off", ws="none")
        bound_connections(config, ()).taking_seconds = 0
        config.load()
        transport, protocol = Waiting(*left), config.http_protocol_class(config, ServerState(), {})
        protocol.connection_made(transport)
        protocol.pause_writing()
        if resumed:
            protocol.resume_writing()
        for _ in range(20):
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        return transport.aborted

    assert finish(served()) is aborted
