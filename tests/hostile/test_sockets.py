"""Connections that are opened to be held: silent ones, bodies that stall, answers that nobody takes, words of proxies that nobody named.

A real uvicorn on loopback with lowered limits. Attackers come from 127.0.0.2 and above, visitors from 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import logging
import random
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from labcore.access.proxies import trusted_proxies
from labcore.listening import guard_config, log_accept_errors_rarely
from labcore.listening.places import SPARE

MOST = 16
"""Connections at a time; an address has a quarter of them."""
ATTACKER = "127.0.0.2"


async def _page(request):
    await request.body()
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


async def _socket(websocket):
    await websocket.accept()
    with contextlib.suppress(Exception):
        while True:
            await websocket.send_text(await websocket.receive_text())


async def _large(request):
    return PlainTextResponse("x" * 20_000_000)


ROUTES = [
    WebSocketRoute("/stream", _socket),
    Route("/healthz", lambda request: PlainTextResponse("ok")),
    Route("/large", _large),
    Route("/{path:path}", _page, methods=["GET", "POST"]),
]


@pytest.fixture
def serve() -> Iterator:
    """serve(proxies="…", **of the guard) → a server with its port, guard and loop."""
    running = []

    def start(proxies: str = "10.9.9.9", **options: float) -> SimpleNamespace:
        config = uvicorn.Config(
            Starlette(routes=ROUTES),
            host="127.0.0.1",
            port=0,
            log_config=None,
            lifespan="off",
            timeout_keep_alive=60,
            ws="websockets-sansio",
        )
        named, _ = trusted_proxies({"LABCORE_TRUSTED_PROXIES": proxies})
        guard = guard_config(config, ("/healthz",), named, {"LABCORE_MAX_CONNECTIONS": str(MOST)})
        for name, value in options.items():
            setattr(guard, name, value)
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        running.append((server, thread, listening))
        return SimpleNamespace(port=listening.getsockname()[1], guard=guard)

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
@pytest.mark.parametrize("addresses", [1, 20])
def test_silent_connections_keep_nobody_out(serve, crowd, sent, addresses):
    server = serve()
    for number in range(5 * MOST):
        crowd.append(connect(server.port, f"127.0.0.{2 + number % addresses}", sent))
    assert ask(server.port)[0] == 200
    assert ask(server.port, "/healthz", ATTACKER)[0] == 200
    assert len(server.guard.places) <= MOST
    assert server.guard.places.of(ATTACKER) <= MOST // 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_crowd_of_all_kinds_keeps_nobody_out(serve, crowd, seed):
    drawn, server = random.Random(seed), serve()
    for _ in range(1500):
        sent = drawn.choice([b"", b"GET / HT", b"\x16\x03\x01\r\n\r\n", STALLED, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
        crowd.append(connect(server.port, f"127.0.0.{drawn.randint(2, 4)}", sent))  # three quarters at most
        if drawn.random() < 0.2:
            crowd.pop(drawn.randrange(len(crowd))).close()
    assert ask(server.port)[0] == 200
    assert ask(server.port, "/healthz", ATTACKER)[0] == 200
    for each in crowd:
        each.close()
    _until(lambda: len(server.guard.places) == 0)


def test_silent_ones_are_closed_after_their_time(serve):
    server = serve(silence_seconds=0.05)
    for sent in (b"", b"GET / HTTP/1.1\r\nX-A: b"):
        with connect(server.port, sent=sent) as silent:
            assert everything(silent) == b""
    with connect(server.port, sent=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as asked:
        assert b" 200 OK" in everything(asked)


def test_stalled_bodies_take_one_address_a_quarter_and_the_health_is_told(serve, crowd):
    server = serve()
    crowd += [connect(server.port, ATTACKER, STALLED) for _ in range(2 * MOST)]
    _until(lambda: server.guard.places.of(ATTACKER) == MOST // 4)
    assert ask(server.port)[0] == 200
    assert ask(server.port, "/healthz", ATTACKER)[0] == 200
    assert ask(server.port, "/", ATTACKER)[0] == 503


def test_from_everywhere_at_once_only_the_health_is_told(serve, crowd):
    server = serve()
    for number in range(3 * MOST):
        crowd.append(connect(server.port, f"127.0.1.{number + 1}", STALLED))
    _until(lambda: len(server.guard.places) >= MOST)
    assert ask(server.port, "/healthz")[0] == 200
    assert ask(server.port)[0] == 503
    assert len(server.guard.places) <= MOST + SPARE
    for each in crowd:
        each.close()
    _until(lambda: len(server.guard.places) == 0)
    assert ask(server.port)[0] == 200


def test_websockets_are_counted_and_let_go(serve, crowd):
    server = serve()
    hands = (
        b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answers = []
    for _ in range(MOST // 4 + 2):
        crowd.append(connect(server.port, ATTACKER, hands))
        with contextlib.suppress(ConnectionError):
            answers.append(crowd[-1].recv(4096).split(b" ")[1])
    assert answers == [b"101"] * (MOST // 4) + [b"503"] * 2
    for each in crowd:
        each.close()
    _until(lambda: server.guard.places.of(ATTACKER) == 0)


def test_an_answer_that_nobody_takes_is_given_up(serve):
    server = serve(read_seconds=0.05)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(20)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        _until(lambda: len(server.guard.places) == 1)
        _until(lambda: len(server.guard.places) == 0)


def test_nobody_is_believed_but_the_proxies_that_are_named(serve):
    told = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"}
    assert ask(serve().port, **told) == (200, "127.0.0.1 http")  # uvicorn would believe whoever is on this machine
    server = serve("127.0.0.1")
    assert ask(server.port, **told) == (200, "127.0.0.1 http")  # what stands behind reads the headers by itself


def test_behind_a_proxy_each_visitor_has_a_share(serve, crowd):
    server = serve("127.0.0.1")
    stalled = STALLED.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 203.0.113.9")
    for _ in range(MOST // 4):
        crowd.append(connect(server.port, sent=stalled))
        _until(lambda: server.guard.places.of("203.0.113.9") == len(crowd))
    assert ask(server.port, X_Forwarded_For="203.0.113.9")[0] == 503
    assert ask(server.port, X_Forwarded_For="203.0.113.10")[0] == 200
    assert ask(server.port, "/healthz", X_Forwarded_For="203.0.113.9")[0] == 200


def test_errors_of_accept_are_told_once_a_minute(caplog):
    clock = SimpleNamespace(now=0.0)
    loop = asyncio.new_event_loop()
    others = []
    loop.set_exception_handler(lambda loop, context: others.append(context["message"]))
    log_accept_errors_rarely(loop, lambda: clock.now)
    error = OSError(errno.EMFILE, "Too many open files")
    with caplog.at_level(logging.ERROR):
        for second in range(120):
            clock.now = float(second)
            for _ in range(100):
                loop.call_exception_handler({"message": "socket.accept() out of system resource", "exception": error})
        loop.call_exception_handler({"message": "something else"})
    loop.close()
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert others == ["something else"]


def test_nonsense_is_logged_once_a_minute(serve, caplog):
    server = serve()
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            with connect(server.port, sent=b"\x16\x03\x01 nonsense\r\n\r\n") as nonsense:
                nonsense.recv(100)
    assert len([record for record in caplog.records if "Invalid HTTP" in record.message]) <= 1


def _until(true) -> None:
    """Wait for what the server's thread does."""
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not come to pass")
