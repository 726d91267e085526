"""What stands around the pages in the server: the gate before them, a greeting at the start, an orderly end."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import uvicorn
from starlette.middleware import Middleware
from streamlit import config

from labcore.allowed_paths import restrict
from labcore.errors import ConfigError
from labcore.listening.descriptors import UNKNOWN_LIMIT, most_connections
from labcore.listening.protocol import bound_connections
from labcore.workspace import Workspace
from ui.app.coming_back import whole_page_first
from ui.app.compression import Compressed
from ui.app.first_page import FirstPage
from ui.app.limits import uploads
from ui.auth.middleware import HEALTH, AccessMiddleware
from ui.auth.visitor import policy

SECONDS_TO_END = 10
"""How long a server that ends waits for browsers that do not let go."""
log = logging.getLogger("audio_gpu_lab")


def middleware() -> list[Middleware]:
    """The middleware for ``st.App``. What only a server that others reach needs is set here too."""
    if policy().access.demanded or policy().access.behind_proxy:
        restrict()
    try:
        uploads()
        most_connections(UNKNOWN_LIMIT, os.environ)
    except ConfigError as error:
        sys.exit(f"audio-gpu-lab: {error}")
    return [Middleware(AccessMiddleware), Middleware(Compressed), Middleware(FirstPage)]


@asynccontextmanager
async def around(_app: Any) -> AsyncIterator[None]:
    """For as long as the server runs."""
    whole_page_first()
    server = _server()
    if server is None:
        log.warning("the server is not uvicorn: connection limits must be set in the proxy")
    else:
        bound_connections(server.config, (f"{policy().base}{HEALTH}",))
        _end_in_order(server)
    print(greeting(), flush=True)
    if not config.get_option("server.headless"):
        from streamlit import cli_util

        cli_util.open_browser(address())
    yield


def address() -> str:
    """The address to open on this machine."""
    from streamlit.web.server.server_util import get_display_address, get_url

    return get_url(get_display_address(config.get_option("server.address") or "0.0.0.0"))


def greeting() -> str:
    """What the shell is told: the address, and who may enter. No secret."""
    access = policy().access
    if access.behind_proxy:
        who = "OPEN to anyone who can reach it (LABCORE_ACCESS=open): a proxy must authenticate users"
    elif not access.demanded:
        who = "this machine only, no password"
    elif access.troubles:
        who = "CLOSED: " + "; ".join(access.troubles)
    elif not access.usable:
        who = f"CLOSED, since {access.why} and no password is set. See `labcore password` and docs/network.md"
    else:
        ways = [*(["a password"] if access.passwords else []), *(["OpenID Connect"] if access.providers else [])]
        who = f"asks for {' or '.join(ways)}"
    return f"\n  Audio GPU Lab   {address()}\n  Access          {who}\n  Workspace       {Workspace.default().home}\n"


def _server() -> uvicorn.Server | None:
    """The server that this process is, found by what it does with SIGTERM: Streamlit makes it and hands it to nobody."""
    found = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return found if isinstance(found, uvicorn.Server) else None


def _end_in_order(server: uvicorn.Server) -> None:
    """Have SIGTERM end the server and then Python, so that what was registered to be closed is closed.

    uvicorn would shut down in order, and then end the process by the same signal once more.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    server.config.timeout_graceful_shutdown = SECONDS_TO_END
    signal.signal(signal.SIGTERM, end)
