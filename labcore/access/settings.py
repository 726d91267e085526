"""What the operator set about access, read from the environment and the secrets file into one value with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.access.passwords import trouble_with
from labcore.access.proxies import Network, parsed, trusted_proxies
from labcore.owners import clean

ACCESS = "LABCORE_ACCESS"
HASH = "LABCORE_PASSWORD_HASH"
HASH_FILE = "LABCORE_PASSWORD_HASH_FILE"
AUTO, DEMAND, OPEN = "auto", "demand", "open"
SHARED = ""
"""The name under which the one password for everybody is kept."""


@dataclass(frozen=True)
class Access:
    """Who may enter.

    ``passwords`` is name → hash, with the shared one under :data:`SHARED`; ``providers`` are the OpenID Connect providers by their
    name in secrets.toml, ``""`` for the only one. ``troubles`` are sentences about settings that cannot be used: with any of them,
    nobody enters.
    """

    demanded: bool
    why: str
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    providers: tuple[str, ...] = ()
    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    anyone: bool = False
    behind_proxy: bool = False
    proxies: tuple[Network, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is a way in at all."""
        return not self.troubles and bool(self.passwords or self.providers)

    @property
    def accounts(self) -> list[str]:
        """Those with a password of their own."""
        return sorted(name for name in self.passwords if name != SHARED)

    def admits(self, claims: Mapping[str, Any]) -> bool:
        """Whether what a provider says of a person lets that person in: a verified address that is on a list, or anyone at all."""
        if not self.providers or self.troubles:
            return False
        if self.anyone:
            return True
        email = str(claims.get("email") or "").strip().lower()
        if claims.get("email_verified") not in (True, "true") or email.count("@") != 1:
            return False
        return email in self.emails or email.rsplit("@", 1)[1] in self.domains


def read_access(
    environment: Mapping[str, str], secrets: Mapping[str, Any], address: str | None, trouble: str = ""
) -> Access:
    """Work out whether and how access is demanded.

    Args:
        environment: of the server process.
        secrets: content of secrets.toml.
        address: on which the server listens; none is every interface.
        trouble: why the secrets could not be read. Nobody enters then, since what they demand is not known.
    """
    troubles = [trouble] if trouble else []
    section = _table(secrets.get("access"))
    if secrets.get("access") is not None and not isinstance(secrets.get("access"), Mapping):
        troubles.append("`access` in secrets.toml is not a table")
    passwords = _passwords(environment, section, troubles)
    providers = _providers(_table(secrets.get("auth")))
    wish = environment.get(ACCESS, "").strip().lower() or AUTO
    if wish not in (AUTO, DEMAND, OPEN):
        troubles.append(f"{ACCESS} is neither {AUTO}, {DEMAND} nor {OPEN}")
    if wish == OPEN and (passwords or providers):
        troubles.append(f"{ACCESS}={OPEN} and a sign-in method are both set: remove one of them")
    emails = _lower(section, "allowed_emails", troubles)
    domains = _lower(section, "allowed_domains", troubles)
    anyone = section.get("anyone") is True
    if providers and not (emails or domains or anyone):
        troubles.append(
            "[auth] names a provider, but nobody is allowed in: set allowed_emails, allowed_domains or anyone = true under [access]"
        )
    proxies, strange = trusted_proxies(environment)
    troubles += strange
    demanded, why = _demanded(wish, bool(passwords), bool(providers), address, bool(troubles))
    return Access(
        demanded, why, passwords, providers, emails, domains, anyone,
        behind_proxy=wish == OPEN and not troubles, proxies=proxies, troubles=tuple(troubles),
    )  # fmt: skip


def _demanded(wish: str, passwords: bool, providers: bool, address: str | None, trouble: bool) -> tuple[bool, str]:
    if trouble:
        return True, "the access settings are invalid"
    if wish == OPEN:
        return False, f"{ACCESS}={OPEN}: the proxy authenticates users"
    if passwords or providers:
        return True, "a password is set" if passwords else "OpenID Connect is set"
    if wish == DEMAND:
        return True, f"{ACCESS}={DEMAND}"
    if not is_loopback(address):
        return True, f"the server listens on {address or 'every interface'}"
    return False, "the server listens on this machine only"


def is_loopback(address: str | None) -> bool:
    """Whether only this machine reaches an address. A name other than localhost counts as reachable."""
    found = parsed(address or "")
    return found.is_loopback if found is not None else (address or "").lower() == "localhost"


def _passwords(environment: Mapping[str, str], section: Mapping[str, Any], troubles: list[str]) -> dict[str, str]:
    given: dict[str, tuple[str, str]] = {}  # name → where it stands, the hash
    if environment.get(HASH, "").strip():
        given[SHARED] = (HASH, environment[HASH].strip())
    elif environment.get(HASH_FILE, "").strip():
        try:
            text = Path(environment[HASH_FILE].strip()).read_text().strip()
            given[SHARED] = (f"the file that {HASH_FILE} names", text)
        except (OSError, ValueError):
            troubles.append(f"the file that {HASH_FILE} names cannot be read")
    elif "password_hash" in section:
        given[SHARED] = ("password_hash in secrets.toml", str(section["password_hash"]).strip())
    people = section.get("people", {})
    if not isinstance(people, Mapping):
        troubles.append("[access.people] in secrets.toml is not a table of name = hash")
        people = {}
    for name, hashed in people.items():
        if not clean(name):
            troubles.append("[access.people] holds a name that is empty")
            continue
        given[clean(name)] = ("a hash under [access.people]", str(hashed).strip())
    for where, hashed in given.values():
        if wrong := trouble_with(hashed):
            troubles.append(f"{where} {wrong}: make one with `labcore password`")
    return {name: hashed for name, (_, hashed) in given.items()}


def _providers(section: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the providers in Streamlit's ``[auth]``: one without a name, or one a sub-table."""
    named = tuple(str(name) for name, value in section.items() if isinstance(value, Mapping) and "client_id" in value)
    return ("", *named) if "client_id" in section else named


def _lower(section: Mapping[str, Any], name: str, troubles: list[str]) -> frozenset[str]:
    value = section.get(name, [])
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        troubles.append(f"{name} under [access] is not a list of texts")
        return frozenset()
    return frozenset(item.strip().lower().lstrip("@" if name == "allowed_domains" else "") for item in value) - {""}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
