"""Connections that are opened to be held: silent ones and bodies that stall. Words of proxies that nobody named.

A real uvicorn on loopback with lowered limits. What a proxy before the lab holds (shares of addresses, slow readers) is not tried here.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import random
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from uvicorn.server import ServerState

from labcore.listening.protocol import SPARE, bound_connections
from tests.coroutines import finish

MOST = 16
"""Connections at a time."""
ATTACKER = "127.0.0.2"


async def _page(request):
    await request.body()
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


async def _socket(websocket):
    await websocket.accept()
    with contextlib.suppress(Exception):
        while True:
            await websocket.send_text(await websocket.receive_text())


ROUTES = [
    WebSocketRoute("/stream", _socket),
    Route("/healthz", lambda request: PlainTextResponse("ok")),
    Route("/{path:path}", _page, methods=["GET", "POST"]),
]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """serve(**of the bounds) → a server with its port, its bounds and its connections."""
    running = []

    def start(**options: float) -> SimpleNamespace:
        config = uvicorn.Config(
            Starlette(routes=ROUTES),
            host="127.0.0.1",
            port=0,
            log_config=None,
            lifespan="off",
            timeout_keep_alive=60,
            ws="websockets-sansio",
        )
        monkeypatch.setenv("LABCORE_MAX_CONNECTIONS", str(MOST))
        bounds = bound_connections(config, ("/healthz",))
        for name, value in options.items():
            setattr(bounds, name, value)
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        running.append((server, thread, listening))
        return SimpleNamespace(port=listening.getsockname()[1], bounds=bounds, held=server.server_state.connections)

    yield start
    for server, thread, listening in running:
        server.should_exit = server.force_exit = True
        thread.join(20)
        listening.close()


def connect(port: int, address: str = "127.0.0.1", sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
    with contextlib.suppress(ConnectionError):
        made.sendall(sent)
    return made


def ask(port: int, path: str = "/", address: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(address, 0))
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        assert "server" not in answer.headers
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def everything(connection: socket.socket) -> bytes:
    """What a server says until it closes a connection."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(4096):
            said += piece
    return said


@pytest.fixture
def crowd() -> Iterator[list]:
    """Connections that are held until the test ends."""
    held: list[socket.socket] = []
    yield held
    for each in held:
        each.close()


STALLED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Filler: "])
def test_silent_connections_keep_nobody_out(serve, crowd, sent):
    server = serve()
    for _ in range(5 * MOST):
        crowd.append(connect(server.port, ATTACKER, sent))
    assert ask(server.port)[0] == 200
    assert ask(server.port, "/healthz", ATTACKER)[0] == 200
    assert len(server.held) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_crowd_of_all_kinds_keeps_the_health_told(serve, crowd, seed):
    drawn, server = random.Random(seed), serve()
    for _ in range(1500):
        sent = drawn.choice([b"", b"GET / HT", b"\x16\x03\x01\r\n\r\n", STALLED, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
        crowd.append(connect(server.port, ATTACKER, sent))
        if drawn.random() < 0.2:
            crowd.pop(drawn.randrange(len(crowd))).close()
    assert ask(server.port, "/healthz")[0] == 200
    assert len(server.held) <= MOST + SPARE
    for each in crowd:
        each.close()
    _until(lambda: not server.held and not server.bounds.silent)
    assert ask(server.port)[0] == 200


def test_silent_ones_are_closed_after_their_time(serve):
    server = serve(silence_seconds=0.05)
    for sent in (b"", b"GET / HTTP/1.1\r\nX-A: b"):
        with connect(server.port, sent=sent) as silent:
            assert everything(silent) == b""
    with connect(server.port, sent=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as asked:
        assert b" 200 OK" in everything(asked)


def test_where_all_are_at_work_only_the_health_is_told(serve, crowd):
    server = serve()
    for _ in range(3 * MOST):
        crowd.append(connect(server.port, ATTACKER, STALLED))
    _until(lambda: len(server.held) >= MOST)
    assert ask(server.port, "/healthz")[0] == 200
    assert ask(server.port)[0] == 503
    assert len(server.held) <= MOST + SPARE
    for each in crowd:
        each.close()
    _until(lambda: not server.held)
    assert ask(server.port)[0] == 200


def crowded(*received: bytes) -> list[Mock]:
    """The transports of connections that come, and say what they say, before a server of two turns to any request."""

    async def come() -> list[Mock]:
        here = Starlette(routes=[Route("/", lambda request: PlainTextResponse("ok"))])
        config = uvicorn.Config(here, lifespan="off", log_config=None)
        bound_connections(config, ()).most = 2
        config.load()
        state, transports = ServerState(), []
        for data in received:
            transports.append(Mock(get_extra_info=Mock(return_value=None)))
            protocol = config.http_protocol_class(config, state, {})
            protocol.connection_made(transports[-1])
            if data:
                protocol.data_received(data)
        await asyncio.sleep(0)
        await asyncio.wait(state.tasks)
        return transports

    return finish(come())


def test_one_more_takes_no_place_from_those_that_came_before():
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    first, second, third = crowded(request, request, request)
    answers = [each.write.call_args_list[0].args[0].split(b"\r\n")[0] for each in (first, second, third)]
    assert answers == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Service Unavailable"]
    silent, second, third = crowded(b"", request, request)
    assert silent.abort.called
    assert b" 200 OK" in second.write.call_args_list[0].args[0]
    assert b" 200 OK" in third.write.call_args_list[0].args[0]


def test_websockets_are_counted_and_let_go(serve, crowd):
    server = serve()
    hands = (
        b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answers = []
    for _ in range(MOST + 2):
        crowd.append(connect(server.port, sent=hands))
        answers.append(crowd[-1].recv(4096).split(b" ")[1])
    assert answers == [b"101"] * MOST + [b"503"] * 2
    for each in crowd:
        each.close()
    _until(lambda: not server.held)
    assert ask(server.port)[0] == 200


def test_uvicorn_believes_no_proxy(serve):
    """The gate reads the headers by itself, of the proxies that are named; uvicorn would believe whoever is on this machine."""
    told = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"}
    assert ask(serve().port, **told) == (200, "127.0.0.1 http")


def _until(true) -> None:
    """Wait for what the server's thread does."""
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not come to pass")
