"""What a visit has uploaded so far: on the disk, for as long as its tab is open."""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime import Runtime

from labcore.errors import WorkspaceError
from ui.app import limits, long_work, services, uploaded_files

if TYPE_CHECKING:
    from labcore.importing.staging import Staging

KEY = "bring-basket"
GONE_SECONDS = 150.0
"""A browser that was away for longer comes back to a new session: Streamlit keeps one for two minutes."""
LOOK_SECONDS = 5.0


def held() -> Staging | None:
    """The files of this visit; None where there are none."""
    there: Staging | None = st.session_state.get(KEY)
    if there is not None and not there.files.is_dir():  # swept, while the browser was away
        del st.session_state[KEY]
        return None
    return there


def put(files: list[Any]) -> None:
    """Take uploads over to the disk; Streamlit keeps none of them, whatever happens.

    Raises:
        WorkspaceError: the disk is full or cannot be written, or it would be more than one visit may hold.
    """
    from labcore.importing.staging import Staging

    try:
        if (staging := held()) is None:
            staging = st.session_state[KEY] = Staging.create(services.workspace())
            _remove_with_tab(staging)
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
    staging: Staging | None = st.session_state.pop(KEY, None)
    if staging is not None:
        staging.remove()


def _remove_with_tab(staging: Staging) -> None:
    """Have it removed once the tab is closed. Streamlit may keep what a closed tab held for as long as nobody else comes."""
    there, session = weakref.ref(staging), long_work.this_session()

    def watch() -> None:
        seen = time.monotonic()
        while (staging := there()) is not None and staging.path.is_dir():
            if long_work.is_there(session):
                seen = time.monotonic()
            elif time.monotonic() - seen > GONE_SECONDS:
                staging.remove()
            del staging  # a closed tab lets go of it
            time.sleep(LOOK_SECONDS)

    if Runtime.exists():
        threading.Thread(target=watch, name="basket", daemon=True).start()
