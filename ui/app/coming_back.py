"""Browsers that come back to a server which knows nothing of them: it was restarted, or they were away for longer than it remembers.

They go on to ask for parts of the page that they show, by a tick or a press. Streamlit passes over requests for parts that it does not
know, and the page would stand still until somebody reloads it. The first that such a session asks for is the whole page.
"""

from __future__ import annotations

from functools import wraps
from weakref import WeakSet

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession


def whole_page_first() -> None:
    """Have it so for all sessions of this process."""
    seen: WeakSet[AppSession] = WeakSet()
    ask = AppSession.request_rerun

    @wraps(ask)
    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        if client_state is not None and client_state.fragment_id and session not in seen:
            whole = ClientState()
            whole.CopyFrom(client_state)
            whole.fragment_id, whole.is_auto_rerun = "", False
            client_state = whole
        seen.add(session)
        ask(session, client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]
