"""What a reload gives again: what is open, and what was uploaded."""

from __future__ import annotations

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from tests.datasets.made import folders
from ui.app import long_work

from .bringing import PAGE, button, settled, upload
from .conftest import words


def field(app):
    return next(each for each in app.text_input if each.label == "Name")


def test_the_open_tab_of_the_settings_stands_in_the_address(open_page, dataset):
    def tabs(app):
        return next(block.proto.tab_container for block in app.get("tab_container"))

    app = open_page("pages/train.py", tab="augmentation")
    assert tabs(app).default_tab_index == 2
    assert app.query_params["tab"] == "augmentation"
    app._run(WidgetStates(widgets=[WidgetState(id=tabs(app).id, string_value=":material/memory: Hardware")]))
    assert app.query_params["tab"] == "hardware"
    assert tabs(open_page("pages/train.py", tab="nonsense")).default_tab_index == 0


def test_what_was_uploaded_comes_back_with_its_name_to_the_tab_that_is_reloaded(open_page, workspace, monkeypatch):
    app = upload(open_page(PAGE, bring="upload"), folders().files)
    field(app).set_value("birds").run()
    address = dict(app.query_params)
    assert set(address) == {"bring", "basket"}

    copied = open_page(PAGE, **address)  # while the first tab is there
    assert "Uploaded so far" not in words(copied)
    assert "those of another tab" in copied.toast[0].value
    assert "basket" not in copied.query_params

    monkeypatch.setattr(long_work, "is_there", lambda session: False)
    monkeypatch.setattr(long_work, "this_session", lambda: "the next")
    again = settled(open_page(PAGE, **address))
    assert "6 files" in words(again)
    assert field(again).value == "birds"
    monkeypatch.setenv("LABCORE_USER", "Bo")
    assert "Uploaded so far" not in words(open_page(PAGE, **address)), "only to whoever uploaded it"
    monkeypatch.setenv("LABCORE_USER", "Ada")
    button(again, "Start over").click().run()
    assert "basket" not in again.query_params
    assert "Uploaded so far" not in words(open_page(PAGE, **address))
