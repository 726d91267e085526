"""What uvicorn is told for every server of the lab."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from labcore.listening.descriptors import most_connections, raise_descriptor_limit
from labcore.listening.protocol import Bounds, bounded


def bound_connections(
    config: uvicorn.Config, watched: Collection[str], environment: Mapping[str, str] = os.environ
) -> Bounds:
    """Have a server bound its connections, and not believe ``X-Forwarded-*`` by itself. It may be loaded already.

    Raises the limit of descriptors of this process.

    Args:
        watched: paths that are answered however many connections there are.

    Raises:
        ConfigError: ``LABCORE_MAX_CONNECTIONS`` is no number.
    """
    bounds = Bounds(most_connections(raise_descriptor_limit(), environment), watched)
    config.http = bounded(bounds)
    # uvicorn by itself believes whoever connects from this machine, and says what it is.
    config.proxy_headers, config.forwarded_allow_ips, config.server_header = False, "", False
    if config.loaded:
        config.http_protocol_class = bounded(bounds)
        config.encoded_headers = [pair for pair in config.encoded_headers if pair[0] != b"server"]
        while isinstance(config.loaded_app, ProxyHeadersMiddleware):
            config.loaded_app = config.loaded_app.app
    return bounds
