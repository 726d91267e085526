"""Access as the pages see it: who is looking, and that nobody looks who was not let in.

The gate (:mod:`ui.auth`) lets nobody through in the first place. Each page asks once more by itself, so that it stays closed where the
gate does not stand before it.
"""

from __future__ import annotations

from html import escape

import streamlit as st

from labcore.owners import clean, shell_user
from ui.auth.policy import Visitor, policy


def guard() -> None:
    """End the page here where access is demanded and nobody has signed in. The first call of every page."""
    access = policy().access
    if not access.demanded or _signed_in() is not None:
        return
    st.title("Sign in", anchor=False)
    if not access.usable:
        why = (
            "; ".join(access.troubles)
            or f"it can be reached from other machines ({access.why}), and no password is set"
        )
        st.error("The lab is closed.", icon=":material/lock:")
        st.text(why)
        st.text("The administrator finds in docs/network.md how to set a password.")
    else:
        st.error("You are not signed in.", icon=":material/lock:")
        st.html(f'<a href="{escape(policy().base)}/login" target="_self" style="color:inherit">Sign in</a>')
        st.caption("If there is no such page, the lab has to be started with `labcore app`.")
    st.stop()


def visitor() -> Visitor:
    """Who looks at this page; an empty name where that cannot be known.

    On a lab for its own machine it is the account that runs it, unverified.
    """
    found = _signed_in() if policy().access.demanded else None
    if found is not None:
        return found
    if policy().access.behind_proxy:  # which tells the name, where server.trustedUserHeaders says in which header
        told = st.user.to_dict()
        return Visitor(clean(told.get("email") or told.get("name") or told.get("user") or ""), verified=False)
    return Visitor(shell_user(), verified=False)


def sign_out_link() -> None:
    """Who is signed in, and the way out; nothing where nobody has to sign in."""
    if not policy().access.demanded:
        return
    name = escape(visitor().name)
    st.html(
        f'<div style="font-size:.9rem;overflow-wrap:anywhere">Signed in as <strong>{name}</strong><br>'
        f'<a href="{escape(policy().base)}/logout" target="_self" style="color:inherit">Sign out</a></div>'
    )


def _signed_in() -> Visitor | None:
    return policy().visitor(st.context.cookies.to_dict())
