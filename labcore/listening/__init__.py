"""Servers that keep answering: how many connections there may be, whose they are, and how long each may be silent."""

from labcore.listening.descriptors import most_connections, raise_descriptor_limit
from labcore.listening.places import Places
from labcore.listening.server import guard_config, log_accept_errors_rarely

__all__ = [
    "Places", "guard_config", "log_accept_errors_rarely", "most_connections", "raise_descriptor_limit",
]  # fmt: skip
