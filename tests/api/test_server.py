"""The process around the service."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

from labcore.api.middleware import ServiceState
from labcore.api.server import Server


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
