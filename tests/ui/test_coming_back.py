"""A browser that comes back to a server which was restarted: its page goes on."""

from __future__ import annotations

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from ui.app.coming_back import whole_page_first


def test_the_first_that_a_session_asks_for_is_the_whole_page(monkeypatch):
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        AppSession, "request_rerun", lambda session, state: asked.append((state.fragment_id, state.is_auto_rerun))
    )
    monkeypatch.setattr(AppSession, "__del__", lambda session: None)  # it was never made in full
    whole_page_first()
    restarted, opened = object.__new__(AppSession), object.__new__(AppSession)
    tick = ClientState(fragment_id="a part", is_auto_rerun=True)
    restarted.request_rerun(tick)
    restarted.request_rerun(tick)
    opened.request_rerun(ClientState())
    opened.request_rerun(tick)
    assert asked == [("", False), ("a part", True), ("", False), ("a part", True)]
    assert tick.fragment_id == "a part"
