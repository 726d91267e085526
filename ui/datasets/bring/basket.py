"""What a visit has uploaded so far: on the disk, for as long as its tab is open, and a little longer.

``?basket=…`` in the address of the page gives it again to a tab that was reloaded.
"""

from __future__ import annotations

import threading
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime import Runtime

from labcore.errors import WorkspaceError
from ui.app import limits, long_work, services, uploaded_files
from ui.forms import url

if TYPE_CHECKING:
    from labcore.importing.staging import Staging

KEY = "bring-basket"
WORD = "basket"
GONE_SECONDS = 150.0
"""A browser that was away for longer comes back to a new session: Streamlit keeps one for two minutes."""
LOOK_SECONDS = 5.0
LEAVING_SECONDS = 1.0
"""Of a page that is reloaded, the session from before may still be there for so long."""
GONE = "The files that were uploaded are not here any more, or are those of another tab. Upload them again."


@dataclass(eq=False)
class _Basket:
    """What was uploaded; the session that shows it, and who is signed in there; ``name`` is what the data set shall be called."""

    staging: Staging
    session: str
    who: str
    name: str = ""

    @property
    def word(self) -> str:
        """As the address has it: nobody guesses it."""
        return self.staging.path.name.rpartition("-")[2]


@st.cache_resource(show_spinner=False)
def _all() -> weakref.WeakValueDictionary[str, _Basket]:
    """Those of all visits, by their words."""
    return weakref.WeakValueDictionary()


def held() -> Staging | None:
    """The files of this visit; None where there are none. The address says which these are, and they come back by it."""
    basket = _held()
    if basket is None and (word := st.query_params.get(WORD, "")):
        basket = _come_back(word)
        if basket is None:
            st.toast(GONE, icon=":material/info:")
    url.tell(WORD, basket.word if basket is not None else "")
    return basket.staging if basket is not None else None


def _held() -> _Basket | None:
    there: _Basket | None = st.session_state.get(KEY)
    if there is not None and (not there.staging.files.is_dir() or there.session != long_work.this_session()):
        del st.session_state[KEY]  # swept, while the browser was away, or another tab's by now
        return None
    return there


def _come_back(word: str) -> _Basket | None:
    """What the visitor has uploaded in a tab that was reloaded; None where that is another one's, or gone."""
    there = _all().get(word)
    if there is None or not there.staging.files.is_dir() or there.who != services.visitor_name():
        return None
    until = time.monotonic() + LEAVING_SECONDS
    while long_work.is_there(there.session):
        if time.monotonic() > until:
            return None
        time.sleep(LEAVING_SECONDS / 10)
    there.session = long_work.this_session()
    st.session_state[KEY] = there
    return there


def name() -> str:
    """What the data set shall be called, as was typed last; "" where nothing was."""
    there = _held()
    return there.name if there is not None else ""


def call(name: str) -> None:
    """Remember what was typed."""
    if (there := _held()) is not None:
        there.name = name


def put(files: list[Any]) -> None:
    """Take uploads over to the disk; Streamlit keeps none of them, whatever happens.

    Raises:
        WorkspaceError: the disk is full or cannot be written, or it would be more than one visit may hold.
    """
    from labcore.importing.staging import Staging

    try:
        if (staging := held()) is None:
            staging = Staging.create(services.workspace())
            basket = _Basket(staging, long_work.this_session(), services.visitor_name())
            _all()[basket.word] = st.session_state[KEY] = basket
            _remove_with_tab(basket)
        most = limits.uploads().total_megabytes
        if staging.bytes + sum(file.size for file in files) > most * 1024**2:
            raise WorkspaceError(f"a visit may upload {limits.size(most)} in all", "Import what is here first")
        for file in files:
            staging.take(file.name, file.getvalue())
            uploaded_files.let_go(file)
    finally:
        for file in files:
            if not file.closed:
                uploaded_files.let_go(file)


def sweep() -> None:
    """Remove what servers that are gone have left behind."""
    from labcore.importing.staging import sweep

    sweep(services.workspace())


def empty() -> None:
    """Remove all of it."""
    basket: _Basket | None = st.session_state.pop(KEY, None)
    if basket is not None:
        basket.staging.remove()
    url.tell(WORD, "")


def _remove_with_tab(basket: _Basket) -> None:
    """Have it removed once the tab is closed. Streamlit may keep what a closed tab held for as long as nobody else comes."""
    there = weakref.ref(basket)

    def watch() -> None:
        seen = time.monotonic()
        while (basket := there()) is not None and basket.staging.path.is_dir():
            if long_work.is_there(basket.session):
                seen = time.monotonic()
            elif time.monotonic() - seen > GONE_SECONDS:
                basket.staging.remove()
            del basket  # a closed tab lets go of it
            time.sleep(LOOK_SECONDS)

    if Runtime.exists():
        threading.Thread(target=watch, name="basket", daemon=True).start()
