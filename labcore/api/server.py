"""The process around the service: a socket, signals, a clean end."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from labcore.api.logs import requests as log
from labcore.api.middleware import WATCHED, ServiceState
from labcore.api.problems import Problem
from labcore.api.routes import reload_models
from labcore.errors import ConfigError, RunError
from labcore.listening.protocol import SILENCE_SECONDS, bound_connections
from labcore.serving.model_registry import ModelRegistry


class Server(uvicorn.Server):
    """Drains when it is asked to end: is not ready any more, takes what comes for ``drain_seconds``, then answers what is in hand."""

    def __init__(
        self, config: uvicorn.Config, state: ServiceState, drain_seconds: float, on_start: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._state, self._drain_seconds, self._on_start = state, drain_seconds, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Libraries and networks stay; else the collector of garbage walks through all of them while requests wait.
        gc.collect()
        gc.freeze()
        if self.started:
            self._on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        again, self._state.ready = not self._state.ready, False
        if again or not self._drain_seconds:
            self._close(sig, frame)
        else:
            closing = threading.Timer(self._drain_seconds, self._close, (sig, frame))
            closing.daemon = True
            closing.start()

    def _close(self, sig: int, frame: FrameType | None) -> None:
        self._state.closing = True
        super().handle_exit(sig, frame)


def bind(host: str, port: int) -> socket.socket:
    """A listening address.

    Raises:
        ConfigError: it is taken, not of this machine, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's algorithm on: the body of an answer then waits 40 ms for the client to acknowledge its head.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigError(
            f"the service cannot listen on {host} port {port}: {error.strerror or error}",
            "Give another --host or --port",
        ) from error
    made.set_inheritable(True)
    return made


def serve(
    app: FastAPI,
    registry: ModelRegistry,
    listening: socket.socket,
    state: ServiceState,
    *,
    grace_seconds: float,
    drain_seconds: float,
    on_start: Callable[[], None],
) -> None:
    """Answer requests until SIGTERM or Ctrl-C; requests in hand are answered for up to ``grace_seconds``. SIGHUP reloads the weights.

    Raises:
        ConfigError: the environment asks for a number of connections that is none.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        h11_max_incomplete_event_size=64 * 1024,
        lifespan="on",
        timeout_keep_alive=round(SILENCE_SECONDS),
        timeout_graceful_shutdown=max(1, round(grace_seconds)),
    )
    bound_connections(config, WATCHED)
    server = Server(config, state, drain_seconds, on_start)

    def begin_reload() -> None:
        reload = asyncio.ensure_future(_reload(registry, app))
        reloads.add(reload)  # else nobody holds it
        reload.add_done_callback(reloads.discard)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, begin_reload)
        await server.serve(sockets=[listening])

    reloads: set[asyncio.Future[None]] = set()
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again at its end, when it has done its work
        signal.signal(number, lambda *_: None)
    asyncio.run(run())
    if not server.started:
        raise RunError("the service could not start", "See its log")


async def _reload(registry: ModelRegistry, app: FastAPI) -> None:
    """Reload the weights; what hinders it is logged."""
    try:
        await reload_models(registry, app.state.handler.metrics)
    except Problem as error:
        log.error("reload refused: %s", error.detail)
    except Exception:
        log.exception("the reload failed")
