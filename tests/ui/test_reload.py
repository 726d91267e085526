"""What a reload gives again: what is open, and what was uploaded."""

from __future__ import annotations

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates


def test_the_open_tab_of_the_settings_stands_in_the_address(open_page, dataset):
    def tabs(app):
        return next(block.proto.tab_container for block in app.get("tab_container"))

    app = open_page("pages/train.py", tab="augmentation")
    assert tabs(app).default_tab_index == 2
    assert app.query_params["tab"] == "augmentation"
    app._run(WidgetStates(widgets=[WidgetState(id=tabs(app).id, string_value=":material/memory: Hardware")]))
    assert app.query_params["tab"] == "hardware"
    assert tabs(open_page("pages/train.py", tab="nonsense")).default_tab_index == 0
