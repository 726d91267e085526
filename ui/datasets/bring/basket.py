"""What a visit has uploaded so far: on the disk, for as long as its tab is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.app import services, uploaded_files

if TYPE_CHECKING:
    from labcore.importing.staging import Staging

KEY = "bring-basket"


def held() -> Staging | None:
    """The files of this visit; None where there are none."""
    there: Staging | None = st.session_state.get(KEY)
    return there


def put(files: list[Any]) -> None:
    """Take uploads over to the disk; Streamlit keeps none of them, whatever happens.

    Raises:
        WorkspaceError: the disk is full, or cannot be written.
    """
    from labcore.importing.staging import Staging

    try:
        staging = held() or Staging.create(services.workspace())
        st.session_state[KEY] = staging
        for file in files:
            staging.take(file.name, file.getvalue())
            uploaded_files.let_go(file)
    finally:
        for file in files:
            if not file.closed:
                uploaded_files.let_go(file)


def empty() -> None:
    """Remove all of it."""
    staging: Staging | None = st.session_state.pop(KEY, None)
    if staging is not None:
        staging.remove()
