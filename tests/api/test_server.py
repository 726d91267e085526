"""The process around the service."""

from __future__ import annotations

import asyncio
import gc
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

from labcore.api.middleware import ServiceState
from labcore.api.server import Server, bind


def test_what_is_there_when_it_starts_is_left_alone_by_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    async def started(server: uvicorn.Server, sockets: object = None) -> None:
        order.append("started")
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "startup", started)
    monkeypatch.setattr(gc, "freeze", lambda: order.append("left alone"))
    server = Server(uvicorn.Config(lambda: None), ServiceState(), 0, lambda: order.append("told"))
    with ThreadPoolExecutor(1) as pool:  # this thread may have a loop: Playwright leaves its own running
        pool.submit(asyncio.run, server.startup()).result()
    assert order == ["started", "left alone", "told"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_do_not_wait_to_be_acknowledged(host: str) -> None:
    async def delays() -> int:
        done = asyncio.Event()
        found: list[int] = []

        class Told(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                found.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                done.set()

        listening = bind(host, 0)
        server = await asyncio.get_running_loop().create_server(Told, sock=listening)
        _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
        await done.wait()
        writer.close()
        server.close()
        return found[0]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, delays()).result()
