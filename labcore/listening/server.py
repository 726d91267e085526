"""What uvicorn is told for every server of the lab."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from labcore.access.proxies import Network
from labcore.listening.descriptors import most_connections, raise_descriptor_limit
from labcore.listening.places import Places
from labcore.listening.protocol import Guard, guarded

QUIET_SECONDS = 60.0
log = logging.getLogger("audio_gpu_lab")


def guard_config(
    config: uvicorn.Config,
    watched: Collection[str],
    proxies: tuple[Network, ...],
    environment: Mapping[str, str] = os.environ,
) -> Guard:
    """Have a server bound its connections and believe nobody but the proxies that are named. It may be loaded already.

    Raises the limit of descriptors of this process.

    Args:
        watched: paths that are answered however many connections there are.
        proxies: whose word on where a request comes from is believed.

    Raises:
        ConfigError: ``LABCORE_MAX_CONNECTIONS`` is no number.
    """
    guard = Guard(Places(most_connections(raise_descriptor_limit(), environment)), watched, proxies)
    config.http = guarded(guard)
    # uvicorn by itself believes whoever connects from this machine, and says what it is.
    config.proxy_headers, config.forwarded_allow_ips, config.server_header = False, "", False
    if config.loaded:
        config.http_protocol_class = guarded(guard)
        config.encoded_headers = [pair for pair in config.encoded_headers if pair[0] != b"server"]
        while isinstance(config.loaded_app, ProxyHeadersMiddleware):
            config.loaded_app = config.loaded_app.app
    told = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, Seldom) for each in told.filters):
        told.addFilter(Seldom())
    return guard


def log_accept_errors_rarely(loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
    """Have an event loop tell at most once a minute that it can take no connection. By itself it may thousands of times a second."""
    before = loop.get_exception_handler()
    told = float("-inf")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told
        if "accept" not in str(context.get("message", "")):
            if before is not None:
                before(loop, context)
            else:
                loop.default_exception_handler(context)
        elif clock() - told >= QUIET_SECONDS:
            told = clock()
            log.error("no connection can be taken: %s. Told once a minute.", context.get("exception"))

    loop.set_exception_handler(handle)


class Seldom(logging.Filter):
    """Lets a warning through once a minute: what a client that sends nonsense could fill a disk with."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        now, said = self._clock(), str(record.msg)
        if now - self._told.get(said, float("-inf")) < QUIET_SECONDS:
            return False
        if len(self._told) < 100:
            self._told[said] = now
        return True
