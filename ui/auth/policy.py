"""What one server process knows about access, read once: settings, session cookies, pace. The gate and the pages ask the same policy."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitSecretNotFoundError

from labcore.access import Access, PasswordThrottle, SessionCookies, read_access
from labcore.access.session_cookies import LONGEST_SECONDS, signing_key
from labcore.access.settings import SHARED
from labcore.access.signed_out import NOTES_FILE
from labcore.errors import WorkspaceError
from labcore.workspace import Workspace
from ui.auth import oidc

SECONDS_SIGNED_IN = 12 * 3600.0
SECONDS_KEPT = LONGEST_SECONDS
"""How long a sign-in holds, and how long where the person asked to stay signed in."""


@dataclass(frozen=True)
class Visitor:
    """Who looks at the lab. ``verified``: the name was proven, by a password of that person's own or by a provider.

    ``sign_in`` is what the sign-in is known by; two of one person have two.
    """

    name: str
    verified: bool
    sign_in: str = ""


@dataclass
class AccessPolicy:
    """The settings of access with all that follows from them.

    ``base`` is the path that the lab lies under, ``""`` or ``/lab``. Devices that signed in before have a pace of their own, so that
    whoever uses up the tries of strangers keeps none of them out.
    """

    access: Access
    session_cookies: SessionCookies
    base: str = ""
    pace: PasswordThrottle = field(default_factory=PasswordThrottle)
    pace_of_devices: PasswordThrottle = field(default_factory=PasswordThrottle)

    def visitor(self, cookies: Mapping[str, str]) -> Visitor | None:
        """Who these cookies prove somebody to be; None for everybody else."""
        if not self.access.usable:
            return None
        signed_in = self.session_cookies.read(cookies.get(self.session_cookies.name))
        if signed_in is not None:
            return Visitor(signed_in.name, verified=signed_in.who != SHARED, sign_in=signed_in.id)
        if self.access.providers:
            claims = oidc.claims(cookies)
            if claims and self.access.admits(claims):
                sign_in = oidc.stamp(cookies)
                if sign_in not in self.session_cookies.signed_out:
                    return Visitor(oidc.name_in(claims), verified=True, sign_in=sign_in)
        return None

    def sign_out(self, cookies: Mapping[str, str]) -> str:
        """Have these cookies prove nothing any more, whoever has a copy; what went wrong with that, empty where nothing did."""
        trouble = ""
        signed_in = self.session_cookies.read(cookies.get(self.session_cookies.name))
        stamp = oidc.stamp(cookies) if self.access.providers and oidc.claims(cookies) else ""
        for sign_in in filter(None, (signed_in.id if signed_in else "", stamp)):
            try:
                self.session_cookies.signed_out.add(sign_in)
            except WorkspaceError as error:
                trouble = str(error)
        return trouble


@functools.cache
def policy() -> AccessPolicy:
    """The policy of this process."""
    content, trouble = _secrets()
    access = read_access(os.environ, content, config.get_option("server.address"), trouble)
    base = config.get_option("server.baseUrlPath").strip("/")
    key = secrets.token_bytes(32)
    if access.usable and access.passwords:
        # A secret that streamlit made up differs at every start.
        given = config.get_option("server.cookieSecret") if config.is_manually_set("server.cookieSecret") else ""
        try:
            key = signing_key(Workspace.default().home, given)
        except WorkspaceError as error:
            access = read_access(os.environ, content, config.get_option("server.address"), str(error))
    notes = Workspace.default().home / NOTES_FILE if access.usable else None
    return AccessPolicy(access, SessionCookies(key, access.passwords, notes=notes), f"/{base}" if base else "")


def _secrets() -> tuple[dict, str]:
    """Content of secrets.toml, and why it cannot be read where it is there but cannot; nothing of its content."""
    try:
        return st.secrets.to_dict(), ""
    except StreamlitSecretNotFoundError as error:
        if error.error_id == "no-secrets-found":
            return {}, ""
    except OSError as error:
        return {}, f"secrets.toml cannot be read: {error.strerror}"
    return {}, "secrets.toml is not valid TOML"
