"""Where a request comes from: what a proxy says of it counts only where the proxy is one that the operator named."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXIES = "LABCORE_TRUSTED_PROXIES"
LOOPBACK = "127.0.0.0/8,::1"
FORWARDED = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
"""Headers that a proxy adds and a client does not."""
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](:\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+")


def trusted_proxies(environment: Mapping[str, str]) -> tuple[tuple[Network, ...], list[str]]:
    """The networks whose ``X-Forwarded-*`` are believed, and sentences about entries that are none."""
    found: list[Network] = []
    troubles = []
    for part in (environment.get(PROXIES, "").strip() or LOOPBACK).replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            troubles.append(f"{PROXIES} holds {part!r}, which is neither an address nor a network")
    return tuple(found), troubles


def forwarded_client(peer: str, forwarded_for: Iterable[str], proxies: Iterable[Network]) -> str:
    """The address that a request comes from.

    Args:
        peer: of the connection.
        forwarded_for: every ``X-Forwarded-For`` header of the request. It counts only as far back as trusted proxies wrote it.
    """
    address, proxies = peer, tuple(proxies)
    hops = [hop.strip() for hop in ",".join(forwarded_for).split(",") if hop.strip()]
    while hops and is_within(address, proxies):
        address = _without_port(hops.pop())
    return address


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is part of one of these networks; a text that is no address is part of none."""
    found = parsed(address)
    return found is not None and any(found in network for network in networks if network.version == found.version)


def address_group(address: str) -> str:
    """What counts as one address: it itself, or the /64 of IPv6 that one customer of a provider has all of."""
    found = parsed(address)
    if found is None:
        return address[:60]
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, also in brackets, with a zone, or one of IPv4 in the form of IPv6; None for what is none."""
    try:
        found = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _without_port(hop: str) -> str:
    match = _WITH_PORT.fullmatch(hop)
    return hop if match is None else match["six"] or match["four"] or hop
