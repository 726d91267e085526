"""Servers that keep answering: how many connections there may be, and how long each may be silent."""

from labcore.listening.descriptors import most_connections, raise_descriptor_limit
from labcore.listening.protocol import bound_connections

__all__ = ["bound_connections", "most_connections", "raise_descriptor_limit"]
