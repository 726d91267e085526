"""Parts of a page that draw themselves anew every so many seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

P = ParamSpec("P")


def ticking(seconds: float | None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Makes a fragment that draws itself anew every so many seconds, never for None, in a place of its own.

    Where such a part is due while messages of a run of the whole page still wait, Streamlit drops what that run has drawn of it. A browser
    then takes the part out, what stands behind it moves up, and the part is drawn over its neighbour, which is gone until the page runs
    again. In a place of its own it has no neighbour.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        part = st.fragment(function, run_every=seconds)

        @wraps(function)
        def in_its_place(*args: P.args, **kwargs: P.kwargs) -> None:
            with st.container():
                part(*args, **kwargs)

        return in_its_place

    return decorate
