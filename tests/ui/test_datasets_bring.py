"""Data sets are uploaded: looked at first, asked about, imported as jobs; and nothing hostile comes through."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.datasets import list_datasets
from labcore.errors import DatasetError
from labcore.importing.job import Import, ImportPlan
from tests.datasets.made import EVERY, folders, sheet, sounds, wav, zipped

from .bringing import PAGE, button, labels, settled, upload
from .conftest import words


@pytest.fixture
def archive(tmp_path) -> Path:
    files = EVERY["urbansound8k"]().files
    return zipped(tmp_path / "US8K.zip", files | {"audio/fold1/101-3-0-1.wav": b"no sound at all"})


# --- uploads


def test_an_archive_is_recognised_imported_and_opened(open_page, workspace, inline, archive):
    app = upload(open_page(PAGE, bring="upload"), {"US8K.zip": archive.read_bytes()})
    assert "Looks like UrbanSound8K: 4 clips, 2 classes, 2 folds; 1 of the files cannot be read." in words(app)
    assert "audio/fold1/101-3-0-1.wav: is a text file, not audio" in words(app)
    assert "**car_horn** 2" in words(app)
    assert list_datasets(workspace) == []
    button(app, "Import").click().run()
    assert not app.error
    assert "Import: " in words(app)
    assert "Uploaded so far" not in words(app)
    inline.look()
    app.run()
    assert "US8K: 4 clips in 2 classes" in words(app)
    button(app, "Open US8K").click().run()
    assert app.query_params["dataset"] == "US8K"
    assert not app.exception
    assert [entry.name for entry in workspace.datasets.iterdir()] == ["US8K"]


def test_uploads_of_a_class_each_make_a_set(open_page, workspace, inline):
    app = open_page(PAGE)
    for label in ("dog", "猫"):
        upload(app, {f"{number}.wav": wav(f"{label}{number}") for number in range(3)})
        assert "Which class are these 3 sounds of?" in words(app)
        assert "Import" not in labels(app)
        next(each for each in app.text_input if each.label == "Class").set_value(label)  # pressed at once
        button(app, "Set class").click()
        settled(app.run())
        if label == "dog":
            assert "One class so far: dog." in words(app)
    assert "Is read as class folders: 6 clips, 2 classes" in words(app)
    next(each for each in app.text_input if each.label == "Name").set_value("Meine Tiere").run()
    assert "Will be called Meine-Tiere" in words(app)
    button(app, "Import").click().run()
    inline.look()
    assert [(info.name, info.classes) for info in list_datasets(workspace)] == [("Meine-Tiere", 2)]


def test_classes_are_taken_from_the_names_of_loose_sounds(open_page, workspace):
    app = upload(open_page(PAGE), sounds("dog_1.wav", "dog_2.wav", "cat_1.wav", "cat_2.wav", "other.wav"))
    next(each for each in app.button_group if "By their file names" in each.options).set_value("names").run()
    assert "**cat** 2  ·  **dog** 2  ·  no class in 1" in words(app)
    button(app, "Use 2 classes").click()
    settled(app.run())
    assert "Which class is this sound of?" in words(app)
    assert "Is read as class folders: 4 clips, 2 classes" in words(app)
    button(app, "Delete").click()
    settled(app.run())
    assert "Which class" not in words(app)
    assert "Import" in labels(app)


def test_a_bad_name_for_a_class_is_told_in_place(open_page, workspace):
    app = upload(open_page(PAGE), sounds("1.wav"))
    next(each for each in app.text_input if each.label == "Class").set_value("../up").run()
    button(app, "Set class").click().run()
    assert "'../up' cannot be the name of a class" in words(app)


def test_a_list_beside_the_sounds_says_what_they_are(open_page, workspace):
    files = sounds("a.wav", "b.wav") | {"labels.csv": sheet("path,label", "a.wav,dog", "b.wav,cat")}
    app = upload(open_page(PAGE), files)
    assert "Is read as a CSV file: 2 clips, 2 classes" in words(app)
    assert "Which class" not in words(app)


def test_one_of_two_lists_is_deleted(open_page, workspace):
    lists = {name: sheet("path,label", "a.wav,dog", "b.wav,cat") for name in ("one.csv", "two.csv")}
    app = upload(open_page(PAGE), sounds("a.wav", "b.wav") | lists)
    assert "2 lists of clips: one.csv, two.csv" in words(app)
    app.button(key="bring-drop-1").click()
    settled(app.run())
    assert "Is read as a CSV file: 2 clips, 2 classes" in words(app)
    assert "one.csv" not in words(app)


def test_a_list_that_lacks_a_column_is_told_beside_the_question(open_page, workspace):
    app = upload(
        open_page(PAGE), sounds("a.wav", "b.wav") | {"labels.csv": sheet("path,colour", "a.wav,red", "b.wav,blue")}
    )
    assert "Which class are these 2 sounds of?" in words(app)
    assert "the list labels.csv was not used" in words(app)


def test_annotated_recordings_show_how_they_are_cut(open_page, workspace):
    table = "\t".join(("Selection", "Begin Time (s)", "End Time (s)", "Species"))
    rows = [f"{number}\t{number}\t{number + 0.5}\t{'owl' if number % 2 else 'fox'}" for number in range(1, 9)]
    rows.append("9\t30\t31\tfox")
    files = {"night.wav": wav("night", 10.0), "night.Table.1.selections.txt": "\n".join((table, *rows)).encode()}
    app = upload(open_page(PAGE), files)
    assert "Looks like time-stamped annotations: 8 clips, 2 classes" in words(app)
    assert "1 of 9 labels (fox 1) dropped: outside of the recording" in words(app)
    assert app.dataframe[0].value[["Class", "Labels", "Dropped", "Clips"]].values.tolist() == [
        ["fox", 5, 1, 4],
        ["owl", 4, 0, 4],
    ]
    app.get_by_key("setting-data.windows").set_value("grid").run()
    app.get_by_key("setting-data.annotations").set_value("complete").run()
    assert "background" in app.dataframe[0].value["Class"].tolist()
    assert not app.exception


@pytest.mark.parametrize("broken", ["leads out", "cut off", "loose"])
def test_archives_that_are_no_data_set_are_told_and_nothing_is_left(open_page, workspace, tmp_path, broken):
    files = {"leads out": {"../../x.wav": wav("x")}, "loose": sounds("a_1.wav", "b_1.wav", "a_2.wav", "b_2.wav")}.get(
        broken, folders().files
    )
    content = zipped(tmp_path / "x.zip", files).read_bytes()
    app = upload(open_page(PAGE), {"x.zip": content[:200] if broken == "cut off" else content})
    told = {
        "leads out": "a name that leads out of it",
        "cut off": "cannot be unpacked",
        "loose": "but no labels for them",
    }
    assert told[broken] in words(app)
    assert str(workspace.home) not in words(app).replace("Workspace", "")
    assert "Import" not in labels(app)
    if broken == "loose":
        button(app, "Unpack, and say which class its sounds are of").click().run()
        settled(settled(app))
        assert "Which class are these 4 sounds of?" in words(app)
    button(app, "Start over").click().run()
    assert list(workspace.datasets.iterdir()) == []
    assert not app.error


def test_what_is_not_kept_is_named(open_page, workspace):
    app = upload(open_page(PAGE), sounds("../../x.wav", "dog/1.wav") | {"film.jpg": b"x"})
    assert "../../x.wav has a name that leads out of its folder" in words(app)
    assert "film.jpg is neither a sound, a list nor an archive" in words(app)
    assert "dog: 1 sound" in words(app).replace("*", "")


def test_two_tabs_have_uploads_of_their_own(open_page, workspace):
    one, other = open_page(PAGE), open_page(PAGE)
    upload(one, folders().files)
    other.run()
    assert "6 files" in words(one)
    assert "Uploaded so far" not in words(other)
    upload(other, sounds("a.wav"))
    button(other, "Start over").click().run()
    assert "Import" in labels(one.run())
    one.switch_page("pages/train.py").run().switch_page(PAGE).run()
    assert "6 files" in words(settled(one))


def test_a_name_that_is_taken_meanwhile_is_told_and_nothing_is_lost(open_page, workspace, dataset):
    app = upload(open_page(PAGE), {f"small/{name}": content for name, content in folders().files.items()})
    name = next(each for each in app.text_input if each.label == "Name")
    assert name.value == "small-2"
    name.set_value("small").run()
    button(app, "Import").click().run()
    assert "the name 'small' is used" in words(app).lower()
    assert "6 files" in words(app)


def test_a_name_that_is_being_made_by_another_tab_is_refused(open_page, workspace):
    Import.create(workspace, ImportPlan(path="/x.zip", name="mine"), queued=True, by="Ada")
    app = upload(open_page(PAGE), folders().files)
    next(each for each in app.text_input if each.label == "Name").set_value("mine").run()
    button(app, "Import").click().run()
    assert "is just being made under the name 'mine'" in words(app)
    assert len(Import.every(workspace)) == 1


def test_annotated_recordings_in_an_archive_are_unpacked_to_show_how_they_are_cut(open_page, workspace, tmp_path):
    files = {f"{name}.wav": wav(name, 10.0) for name in "ab"}
    files |= {f"{name}.txt": b"1\t2\towl\n5\t6\tfox\n" for name in "ab"}
    app = upload(open_page(PAGE), {"night.zip": zipped(tmp_path / "n.zip", files).read_bytes()})
    assert "Looks like time-stamped annotations" in words(app)
    assert not app.dataframe
    button(app, "Unpack, and show how the recordings are cut").click().run()
    settled(settled(app))
    assert app.dataframe[0].value["Clips"].tolist() == [2, 2]


def test_an_import_that_failed_is_tried_again_under_another_name(open_page, workspace, inline, dataset):
    app = upload(open_page(PAGE), folders().files)
    next(each for each in app.text_input if each.label == "Name").set_value("mine").run()
    button(app, "Import").click().run()
    dataset.rename(workspace.datasets / "mine")  # somebody was quicker
    inline.look()
    app.run()
    assert "the name 'mine' is used" in words(app).lower()
    (job,) = Import.every(workspace)
    for name, told in (("mine", "the name 'mine' is used"), ("yours", "")):
        app.text_input(key=f"{job.id}-name").set_value(name)
        app.button(key=f"{job.id}-name-again").click().run()
        assert told in words(app).lower()
    inline.look()
    app.run()
    assert "yours: 6 clips in 2 classes" in words(app)
    assert not app.error
    assert [(info.name, info.clips) for info in list_datasets(workspace)] == [("mine", 12), ("yours", 6)]
    assert [each.id for each in Import.every(workspace)] == [job.id]
    with pytest.raises(DatasetError, match="the name 'mine' is used"):
        job.call("mine")
