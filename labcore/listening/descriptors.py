"""How many descriptors a process may hold, and how many of them may be connections."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Mapping

from labcore.errors import ConfigError

CONNECTIONS = "LABCORE_MAX_CONNECTIONS"
MOST_DESCRIPTORS = 65_536
MOST_CONNECTIONS = 2048
LEAST_CONNECTIONS = 16
UNKNOWN_LIMIT = 1024
"""What is reckoned with where the limit is not known yet."""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open descriptors as far as the hard one and :data:`MOST_DESCRIPTORS` allow; the limit afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        for attempt in (wanted, 10_240):  # macOS allows no more than that, whatever its hard limit says
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (attempt, hard))
                return attempt
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def most_connections(limit: int, environment: Mapping[str, str]) -> int:
    """So many connections a server takes at a time: half of the descriptors at most, since files and workers need some too.

    Args:
        limit: of descriptors.
        environment: ``LABCORE_MAX_CONNECTIONS`` asks for another number than :data:`MOST_CONNECTIONS`.

    Raises:
        ConfigError: the environment asks for what is no number of 16 or more.
    """
    text = environment.get(CONNECTIONS, "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= LEAST_CONNECTIONS):
        raise ConfigError(
            f"{CONNECTIONS} is not a number of {LEAST_CONNECTIONS} or more",
            f"Set it to a number such as {MOST_CONNECTIONS}",
        )
    return max(LEAST_CONNECTIONS, min(int(text) if text else MOST_CONNECTIONS, limit // 2))
