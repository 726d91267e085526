"""The tab Annotations of the page Data sets: recordings with their events, edited, cut into windows, written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labcore.datasets import find_dataset, register
from labcore.datasets.timed.edits import edit_event, edits_of

from .bringing import look
from .conftest import words
from .test_sound_viewer import sent

PAGE = "pages/datasets.py"
RATE = 4000


@pytest.fixture
def nights(workspace, tmp_path: Path, write_wav) -> Path:
    """A recording of 60 s with two events, and one without; a data set of the workspace."""
    root = tmp_path / "nights"
    for seed, (name, seconds) in enumerate({"a.wav": 60, "b.wav": 20}.items()):
        write_wav(root / name, np.random.default_rng(seed).normal(0, 0.01, seconds * RATE).astype(np.float32), RATE)
    (root / "a.txt").write_text("1\t2\tdog\n\\\t200\t900\n41\t42\tcat\n")
    register(workspace, root, "nights")
    return root


@pytest.fixture
def tab(open_page, nights):
    return open_page(PAGE, dataset="nights", tab="Annotations")


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def pictures(app) -> list[dict]:
    """What the viewers were sent, the whole recording first."""
    return sent(app)


def fill(app, **values) -> None:
    for name, value in values.items():
        kind = app.selectbox if name == "label" else app.number_input
        next(each for each in kind if each.key.endswith(f"-{name}") and "-form-" in each.key).set_value(value)


def test_a_recording_is_seen_with_its_events(tab):
    assert not tab.exception
    assert tab.dataframe[0].value["Recording"].tolist() == ["a.wav", "b.wav"]
    assert tab.dataframe[0].value["Events"].tolist() == [2, 0]
    assert tab.dataframe[1].value["Label"].tolist() == ["dog", "cat"]
    whole, section = pictures(tab)
    assert (whole["end"], whole["presses"], whole["rows"][0]["names"]) == (60, "anywhere", ["cat", "dog"])
    assert (section["start"], section["end"], section["selectable"], section["banded"]) == (0, 30, True, True)
    (box,) = section["boxes"]  # the other one is in another section
    assert (box["label"], box["start"], box["low"], box["high"]) == ("dog", 1, 200, 900)


def test_the_recording_that_the_address_names_is_on_view(open_page, nights):
    there = open_page(PAGE, dataset="nights", tab="Annotations", recording="b.wav")
    assert "**b.wav**" in " ".join(each.value for each in there.subheader).replace("\\", "")
    assert there.query_params["recording"] == "b.wav"
    del there.query_params["recording"]  # the browser's Back
    assert "**a.wav**" in words(there.run())
    assert "recording" not in there.query_params
    gone = open_page(PAGE, dataset="nights", tab="Annotations", recording="c.wav")
    assert "**a.wav**" in words(gone)
    assert "recording" not in gone.query_params


def test_another_section_has_other_events(tab):
    next(each for each in tab.slider if each.label == "Section from").set_value(30).run()
    _, section = pictures(tab)
    assert [(box["label"], box["low"]) for box in section["boxes"]] == [("cat", None)]


def test_an_event_is_added_changed_deleted_and_taken_back(tab, workspace, nights):
    before = (nights / "a.txt").read_bytes()
    fill(tab, start=4.0, end=5.5, label="cat", low=300.0, high=800.0)
    button(tab, "Add").click().run()
    assert not tab.error
    assert tab.dataframe[1].value["Label"].tolist() == ["dog", "cat ✎", "cat"]
    assert "Playing **cat**" in words(tab)
    assert len(find_dataset(workspace, "nights")) == 3
    fill(tab, end=6.0)
    button(tab, "Save").click().run()
    assert [(box["label"], box["end"], box["strong"]) for box in pictures(tab)[1]["boxes"]] == [
        ("dog", 2, False),
        ("cat", 6, True),
    ]
    button(tab, "Delete event").click().run()
    assert tab.dataframe[1].value["Label"].tolist() == ["dog", "cat"]
    for _ in range(3):
        button(tab, "Undo").click().run()
    assert "as in the files" in words(tab)
    assert edits_of(workspace, "nights").revision == 6
    assert (nights / "a.txt").read_bytes() == before


def test_what_is_no_event_is_told_and_keeps_what_was_typed(tab, workspace):
    fill(tab, start=5.0, end=4.0, label="cat")
    button(tab, "Add").click().run()
    assert "before it begins" in tab.error[0].value
    assert edits_of(workspace, "nights").revision == 0
    assert next(each.value for each in tab.number_input if each.key.endswith("-start")) == 5.0
    button(tab, "Add").click().run()
    fill(tab, start=None, end=4.0)
    button(tab, "Add").click().run()
    assert "no start or no end" in tab.error[0].value


def test_a_recording_is_said_to_be_complete(tab, workspace):
    next(each for each in tab.button_group if each.label == "All labelled").set_value("yes").run()
    assert tab.dataframe[0].value["All labelled"].tolist() == ["yes", "not said"]
    assert "background" in find_dataset(workspace, "nights").labels
    button(tab, "Undo").click().run()
    assert tab.dataframe[0].value["All labelled"].tolist() == ["not said", "not said"]


def test_windows_are_previewed_and_go_to_the_train_page(tab):
    next(each for each in tab.toggle if each.label == "Preview the windows").set_value(True).run()
    section = pictures(tab)[1]
    assert section["rows"][1]["names"] == ["dog"]
    assert [(box["start"], box["end"]) for box in section["boxes"] if box["row"] == 1] == [(1, 2)]
    tables = [each.value for each in tab.dataframe if "Clips" in each.value]
    assert tables[0].set_index("Class")["Clips"].to_dict() == {"cat": 1, "dog": 1}
    next(each for each in tab.button_group if each.label == "Windows").set_value("grid").run()
    next(each for each in tab.slider if each.label == "Least overlap").set_value(1.0).run()
    assert "0 of 2 labels merged or dropped" in words(tab)
    link = next(each for each in tab.get("page_link") if each.proto.label == "Train with these windows")
    assert link.proto.query_string == "data.dataset=nights&data.windows=grid&data.least_overlap=1"


def test_a_set_without_events_left_can_be_mended(tab, workspace, open_page):
    for event in ("1 to 2 dog", "41 to 42 cat"):
        tab.session_state["events-nights-a.wav-chosen"] = event
        tab.run()
        button(tab, "Delete event").click().run()
    app = open_page(PAGE, dataset="nights", tab="Annotations")
    assert "no label of the annotations" in app.error[0].value.lower()
    button(app, "Undo").click().run()
    assert "cat" in find_dataset(workspace, "nights").labels


def test_other_sets_have_no_such_tab(open_page, dataset):
    app = open_page(PAGE, dataset="small")
    assert "Annotations" not in [tab.label for tab in app.tabs]


def test_a_folder_of_recordings_is_labelled_from_the_first_event_on(open_page, workspace, nights):
    (nights / "a.txt").unlink()
    (workspace.datasets / "nights.json").unlink()
    app = look(open_page(PAGE, bring="on-this-machine"), nights)
    app.session_state["events-nights-label"] = "owl"  # AppTest cannot type a new option
    button(app, "Add and label").click().run()
    app.run()
    assert app.query_params["dataset"] == "nights"
    assert "No event is labelled yet" in words(app)
    assert not app.error
    assert app.dataframe[0].value["Events"].tolist() == [0, 0]
    fill(app, start=3.0, end=4.0)
    button(app, "Add").click().run()
    assert not app.error
    assert "No event is labelled yet" not in words(app)
    assert app.session_state["tab"] == "Annotations"
    assert [box["label"] for box in pictures(app)[-1]["boxes"]] == ["owl"]
    edit_event(workspace, "nights", nights, str(nights / "b.wav"), "add", start_s=9.0, end_s=10.0, label="fox")
    assert app.run().dataframe[0].value["Events"].tolist() == [1, 1]
    assert find_dataset(workspace, "nights").labels == ["fox", "owl"]
