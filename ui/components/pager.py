"""A long list a few at a time: which ones, and the way to the next."""

from __future__ import annotations

import streamlit as st

from ui.app.text import count
from ui.forms import url


def part(total: int, at_once: int, *, key: str, what: str, word: str = "") -> slice:
    """Draw where one is in a list, with buttons to go on where it is longer than ``at_once``; the part on view.

    Args:
        key: one a list: another list begins at its first page.
        what: is listed, as "clips".
        word: of the address, in which the page stands, the first as 1; "" for none.
    """
    pages = max(1, -(-total // at_once))
    if word and (asked := url.asked(word)) is not None:
        st.session_state[key] = _page(asked)
    page = min(int(st.session_state.get(key, 0)), pages - 1)
    if word:
        url.tell(word, str(page + 1) if page else "")  # the first one needs no word
    first = page * at_once
    if pages > 1:

        def show_page(to: int) -> None:
            st.session_state[key] = to

        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Previous", on_click=show_page, args=(page - 1,), key=f"{key}-previous", icon=":material/chevron_left:",
                      disabled=page == 0, type="tertiary")  # fmt: skip
            last = min(first + at_once, total)
            st.markdown(f"{count(first + 1)}–{count(last)} of {count(total)} {what}", width="content")
            st.button("Next", on_click=show_page, args=(page + 1,), key=f"{key}-next", icon=":material/chevron_right:",
                      icon_position="right", disabled=page == pages - 1, type="tertiary")  # fmt: skip
    return slice(first, first + at_once)


def _page(asked: str) -> int:
    """The page that an address asks for, from 0 on; the first where it is no number."""
    return max(0, int(asked) - 1) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
