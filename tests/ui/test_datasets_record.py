"""A data set recorded on the page: begun, takes kept and told of, changed and taken back, and found again by another visit."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.datasets import find_dataset
from labcore.datasets.takes.recorded import RecordedSet

from .conftest import words

PAGE, RATE = "pages/datasets.py", 8000


def sound(level: float = 0.3, seconds: float = 0.4) -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    return encode_wav((level * np.sin(2 * np.pi * 300 * time)).astype(np.float32), RATE)


def press(app, label: str):
    found = [each for each in app.button if each.label == label]
    return found[-1].click().run()


def record(app, content: bytes):
    return app.audio_input[0].upload("recording.wav", content).run()


@pytest.fixture
def made(workspace) -> RecordedSet:
    return RecordedSet.create(workspace, "farm", ["dog", "*rain*"])


def labels(made: RecordedSet) -> list[str]:
    return [take.label for take in made.read().kept]


def test_one_is_begun_and_another_visit_goes_on_with_it(open_page, workspace):
    app = open_page(PAGE, bring="record")
    app.text_area(key="record-classes").set_value("dog\ncat")
    press(app, "Begin")
    assert app.query_params["record"] == "recorded-1"
    record(app, sound())
    again = open_page(PAGE, bring="record")
    assert "Being recorded: 1 take of 2 classes" in words(again)
    next(each for each in again.button if "Go on with" in each.label).click().run()
    assert "Take 1 · 0.4 s · peak −10.5 dBFS · Ada" in words(again).replace("\\", "")


def test_nothing_is_begun_without_a_class(open_page, workspace):
    app = press(open_page(PAGE, bring="record"), "Begin")
    assert "no class was named" in words(app).lower()
    assert not any(workspace.datasets.iterdir())


def test_each_recording_is_a_take_of_the_class_at_hand_and_the_recorder_is_ready_again(open_page, made, workspace):
    app = open_page(PAGE, record="farm")
    assert "Needed before training: 2 clips of dog, 2 clips of" in words(app)
    for label in ("dog", "*rain*", "dog", "*rain*"):
        app.segmented_control[0].set_value(label).run()
        record(app, sound())
        assert app.audio_input[0].value is None
    assert labels(made) == ["dog", "*rain*", "dog", "*rain*"]
    assert [take.by for take in made.read().kept] == ["Ada"] * 4
    assert "Needed before training" not in words(app)
    assert any(link.proto.query_string == "data.dataset=farm" for link in app.get("page_link"))
    assert find_dataset(workspace, "farm").folds == ["1", "2"]
    assert not app.exception


@pytest.mark.parametrize(("bad", "told"), [(sound(4.0), "Clipped"), (sound(0.003), "Quiet"), (sound(0.0005), "Silent")])
def test_a_bad_take_is_told_and_the_next_one_takes_its_place(open_page, made, bad, told):
    app = record(open_page(PAGE, record="farm"), bad)
    assert told in app.warning[0].value
    record(app, sound())
    assert not app.warning
    assert [take.number for take in made.read().kept] == [2]


def test_a_bad_take_is_kept_where_it_is_wanted_or_the_next_one_is_of_another_class(open_page, made):
    app = record(open_page(PAGE, record="farm"), sound(0.003))
    press(app, "Keep it")
    record(app, sound(0.003))
    app.segmented_control[0].set_value("*rain*").run()
    record(app, sound())
    assert labels(made) == ["dog", "dog", "*rain*"]


def test_a_muted_microphone_is_told_in_plain_words(open_page, made):
    app = record(open_page(PAGE, record="farm"), sound(0.0))
    assert "It is muted" in app.error[0].value
    assert "Nothing was kept" in app.error[0].value
    assert labels(made) == []


def test_what_is_no_sound_is_told_in_place(open_page, made):
    app = record(open_page(PAGE, record="farm"), b"no sound")
    assert len(app.error) == 1
    assert labels(made) == []
    record(app, sound())
    assert labels(made) == ["dog"]


def test_a_take_is_deleted_and_moved_and_both_are_undone(open_page, made):
    app = record(open_page(PAGE, record="farm"), sound())
    press(app, "Delete")
    assert labels(made) == []
    press(app, "Undo")
    assert labels(made) == ["dog"]
    press(app, "Move")
    assert labels(made) == ["*rain*"]
    press(app, "Undo")
    assert labels(made) == ["dog"]
    assert "Undo" not in [each.label for each in app.button]


def test_classes_are_added_renamed_and_deleted_with_their_takes(open_page, made):
    app = record(open_page(PAGE, record="farm"), sound())
    app.text_area(key="record-farm-add-names").set_value("Dog").run()
    press(app, "Add")
    assert "differs in case and spaces only" in words(app)
    app.text_area(key="record-farm-add-names").set_value("猫\ncow").run()
    press(app, "Add")
    assert app.segmented_control[0].value == "猫"
    app.segmented_control[0].set_value("dog").run()
    app.text_input(key="record-farm-edit-dog-new").set_value("big dog").run()
    press(app, "Rename")
    assert (app.segmented_control[0].value, labels(made)) == ("big dog", ["big dog"])
    press(app, "Delete class")
    assert made.read().classes == ("*rain*", "猫", "cow")
    press(app, "Undo")
    assert (set(made.read().classes), labels(made)) == ({"*rain*", "猫", "cow", "big dog"}, ["big dog"])


def test_takes_are_cut_into_clips(open_page, made, workspace):
    for label in ("dog", "*rain*"):
        made.add(sound(seconds=3.0), label)
    app = open_page(PAGE, record="farm")
    app.number_input(key="record-farm-cut").set_value(0.5).run()
    app.toggle(key="record-farm-trim").set_value(True).run()
    assert "1 take, 6 clips" in words(app)
    assert len(find_dataset(workspace, "farm").table) == 12
    app.number_input(key="record-farm-cut").set_value(0.1).run()
    assert "clips of 0.1 s are not possible" in words(app).lower()
    assert made.read().cut_s == 0.5


def test_other_pages_know_of_a_take_at_once(open_page, made):
    for label in ("dog", "*rain*", "dog", "*rain*"):
        made.add(sound(), label)
    app = open_page("pages/train.py", **{"data.dataset": "farm"})
    assert "2 clips**, fold 1" in str(app.table[0].value)
    record(open_page(PAGE, record="farm"), sound())
    assert "3 clips**, fold 1" in str(app.run().table[0].value)


def test_another_persons_take_asks_before_it_goes(open_page, made):
    made.add(sound(), "dog", by="Bo")
    app = open_page(PAGE, record="farm")
    assert "Delete anyway" in [each.label for each in app.button]
    assert "Bo" in words(app)


def test_a_damaged_ledger_and_a_name_that_is_gone_are_told(open_page, made):
    (made.path / "takes.json").write_text("{")
    assert "cannot be read" in words(open_page(PAGE, record="farm"))
    gone = open_page(PAGE, record="nowhere")
    assert "no recorded data set" in words(gone)
    assert not gone.exception


def test_the_page_of_a_recorded_set_leads_to_its_recorder(open_page, made):
    made.add(sound(), "dog")
    app = open_page(PAGE, dataset="farm")
    assert "Being recorded: 1 take of 2 classes" in words(app)
    assert not app.error
    press(app, "Record")
    assert app.query_params["record"] == "farm"
