"""Who somebody is by Streamlit's own OpenID Connect login, from the identity cookie that it signs.

Streamlit reads that cookie when a WebSocket opens; the gate reads it at every request, for the same secret and by the same functions.
Where a later Streamlit has them no more, nobody is let in.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from labcore.owners import clean

COOKIE = "_streamlit_user"
log = logging.getLogger("audio_gpu_lab")


def claims(cookies: Mapping[str, str]) -> dict[str, Any]:
    """What the provider said of the person; empty for nobody."""
    if COOKIE not in cookies:
        return {}
    try:
        from streamlit.auth_util import get_cookie_with_chunks

        content = get_cookie_with_chunks(lambda name: _signed(cookies, name), COOKIE)
        found = json.loads(content) if content else None
    except (ValueError, UnicodeError):
        return {}
    except (ImportError, TypeError):
        log.exception("Streamlit's identity cookie cannot be read by this version of the lab")
        return {}
    return found if isinstance(found, dict) and found.get("is_logged_in") is True else {}


def stamp(cookies: Mapping[str, str]) -> str:
    """What one sign-in is known by: a digest of what Streamlit signed, the second of signing included.

    The signature is left out, since there may be several ways to write one. Only to be asked for cookies that :func:`claims` reads.
    """
    pieces = (_signed(cookies, COOKIE) or b"").startswith(b"chunks-")
    names = (COOKIE, f"{COOKIE}_1") if pieces else (COOKIE,)
    parts = [cookies.get(name, "").rpartition(".")[0] for name in names]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _signed(cookies: Mapping[str, str], name: str) -> bytes | None:
    """What Streamlit signed in a cookie; None where it did not."""
    from streamlit.web.server.server_util import get_cookie_secret
    from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

    secret, value = get_cookie_secret(), cookies.get(name)
    return None if value is None or not secret else decode_signed_value(secret, name, value.encode("latin-1"))


def name_in(claims: Mapping[str, Any]) -> str:
    """What to call a person: the address, which is what was proven, else the name."""
    return clean(claims.get("email") or claims.get("name") or claims.get("sub") or "") or "signed in"


def trouble_with(provider: str) -> str:
    """Why Streamlit's login cannot work with this provider; empty where it can."""
    from streamlit.auth_util import is_authlib_installed, validate_auth_credentials
    from streamlit.errors import StreamlitAuthError

    if not is_authlib_installed():
        return "Authlib is not installed: pip install 'audio-gpu-lab[oidc]'"
    try:
        validate_auth_credentials(provider or "default")
    except StreamlitAuthError as error:  # names keys, no values
        return " ".join(str(error).split())
    return ""


def start_path(base: str, provider: str) -> str:
    """Where Streamlit sends a browser on to the provider, with a token that is good for two minutes."""
    from streamlit.auth_util import encode_provider_token

    return f"{base}/auth/login?provider={encode_provider_token(provider or 'default')}"
