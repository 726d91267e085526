"""Data sets are brought in: uploaded, by a path, by name; looked at first, imported as jobs, and nothing hostile comes through."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from labcore.datasets import list_datasets
from labcore.downloads.job import Download, DownloadPlan
from labcore.importing.job import Import, ImportPlan
from labcore.standard_sets import SETS
from tests.datasets.made import EVERY, Files, folders, sheet, sounds, wav, zipped
from ui.app import live, tasks
from ui.datasets.bring import here, ways

from .conftest import words

PAGE = "pages/datasets.py"


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def labels(app) -> list[str]:
    return [each.label for each in app.button]


def settled(app):
    """The page once the looks that it has begun are done."""
    for work in list(app.session_state["long-work"].values()) if "long-work" in app.session_state else []:
        work.task._thread.join(30)
    return app.run()


def upload(app, files: Files):
    for name, content in files.items():
        app.file_uploader[0].upload(name, content)
    app.run()
    return settled(app)


@pytest.fixture
def archive(tmp_path) -> Path:
    files = EVERY["urbansound8k"]().files
    return zipped(tmp_path / "US8K.zip", files | {"audio/fold1/101-3-0-1.wav": b"no sound at all"})


# --- uploads


def test_an_archive_is_recognised_imported_and_opened(open_page, workspace, inline, archive):
    app = upload(open_page(PAGE, bring="upload"), {"US8K.zip": archive.read_bytes()})
    assert "Looks like UrbanSound8K: 4 clips, 2 classes, 2 folds; 1 file cannot be read." in words(app)
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
        next(each for each in app.text_input if each.label == "Class").set_value(label).run()
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


# --- by a path


def look(app, path: object):
    next(each for each in app.text_input if "this machine" in each.label).set_value(str(path))
    button(app, "Look").click().run()
    return settled(app)


@pytest.fixture
def outside(dataset, tmp_path):
    """The small data set, outside the workspace."""
    return dataset.rename(tmp_path / "elsewhere")


def test_a_folder_is_looked_at_and_added_where_it_lies(open_page, workspace, outside):
    (outside / "bark" / "notes.wav").write_text("a text")
    app = look(open_page(PAGE, bring="on-this-machine"), f' "{outside}" ')
    assert "Is read as class folders: 13 clips, 2 classes" in words(app)
    assert "notes.wav: is a text file, not audio" in words(app)
    assert list_datasets(workspace) == []
    button(app, "Add data set").click().run()
    assert app.query_params["dataset"] == "elsewhere"
    assert "1 of 13 files cannot be read as audio" in words(app)
    assert [entry.name for entry in workspace.datasets.iterdir()] == ["elsewhere.json"]
    assert app.switch_page("pages/train.py").run().selectbox(key="data-choice").value == "elsewhere"


def test_what_is_wrong_with_a_path_stays_in_view_and_so_does_the_path(open_page, outside):
    app = open_page(PAGE, bring="on-this-machine")
    for path in (f"'{outside.parent}/Else Where'", "  ", "/no/such/folder"):
        look(app, path)
        assert app.error
        assert "Add data set" not in labels(app)
        assert next(each for each in app.text_input if "this machine" in each.label).value == path
    look(app, f"{outside.parent}/Else Where")
    assert f"Did you mean {outside}?" in words(app)
    look(app, outside)
    assert not app.error


def test_adding_shows_its_progress_and_can_be_cancelled(open_page, outside, monkeypatch):
    go_on = threading.Event()

    def slow(home, path, name, progress):
        progress(1200, 0)
        go_on.wait(30)
        progress(2400, 0)
        raise AssertionError("it was not cancelled")

    monkeypatch.setattr("labcore.datasets.register", slow)
    monkeypatch.setattr(tasks, "SOON", 0.0)
    app = look(open_page(PAGE, bring="on-this-machine"), outside)
    settled(app)
    button(app, "Add data set").click().run()
    task = app.session_state[here.TASK]
    assert "files so far" in words(app)
    button(app, "Cancel").click().run()
    go_on.set()
    task.wait(30)
    assert (task.running, task.result, task.error) == (False, None, None)
    assert button(app.run(), "Look")
    assert not app.error


def test_an_archive_on_the_machine_is_imported(open_page, workspace, inline, archive):
    app = look(open_page(PAGE, bring="on-this-machine"), archive)
    assert "Looks like UrbanSound8K: 4 clips" in words(app)
    button(app, "Import").click().run()
    inline.look()
    app.run()
    assert "US8K: 4 clips in 2 classes" in words(app)
    assert archive.exists()


def test_visitors_look_where_they_may_and_nowhere_else(open_page, workspace, outside, monkeypatch, tmp_path, inline):
    monkeypatch.setenv("LABCORE_DATA_ROOTS", str(tmp_path / "open"))
    app = look(open_page(PAGE, bring="on-this-machine"), outside)
    assert "outside the folders that visitors may use" in words(app)
    app = upload(open_page(PAGE, bring="upload"), folders().files)
    button(app, "Import").click().run()
    inline.look()
    assert [(info.clips, info.error) for info in list_datasets(workspace)] == [(6, "")]


# --- standard sets


def test_a_standard_set_is_downloaded_once_its_licence_is_accepted(open_page, workspace):
    app = open_page(PAGE, bring="standard-sets")
    told = words(app)
    for about in SETS.values():
        assert about.licence in told
        assert about.file in told
    assert f"{workspace.cache}/archives/UrbanSound8K.tar.gz" in told
    start = app.button(key="standard-esc50-start")
    assert start.disabled
    app.checkbox(key="standard-esc50-accepted").check().run()
    app.button(key="standard-esc50-start").click().run()
    (job,) = Download.every(workspace)
    assert job.plan == DownloadPlan(dataset="esc50", name="esc50", licence="CC BY-NC 3.0")
    assert job.owner == "Ada"
    assert app.button(key="standard-esc50-start").disabled
    assert "It is being downloaded" in words(app)
    assert "ESC-50 as esc50" in words(open_page(PAGE))  # another tab, or the same one opened again


def test_an_archive_that_was_fetched_by_hand_is_named_or_found(open_page, workspace, tmp_path):
    app = open_page(PAGE, bring="standard-sets")
    app.checkbox(key="standard-fsdd-accepted").check()
    app.text_input(key="standard-fsdd-file").set_value(f"{tmp_path}/none.zip").run()
    app.button(key="standard-fsdd-start").click().run()
    assert f"There is no file {tmp_path}/none.zip" in words(app)
    assert Download.every(workspace) == []
    (workspace.cache / "archives").mkdir(parents=True)
    (workspace.cache / "archives" / SETS["fsdd"].file).write_bytes(b"x")
    (workspace.cache / "archives" / f"{SETS['esc50'].file}.part").write_bytes(b"x" * 2_000_000)
    told = words(app.run())
    assert "The archive is here already" in told
    assert "2 MB of the archive are here" in told


# --- jobs


def test_a_job_that_failed_is_seen_by_everybody_with_what_to_do(open_page, workspace, manager, inline, monkeypatch):
    job = Import.create(workspace, ImportPlan(path="/no/such.zip", name="lost"), queued=True, by="Bo")
    inline.look()
    app = open_page(PAGE)
    assert "lost from such.zip" in words(app)
    assert "/no/such.zip does not exist any more" in words(app)
    monkeypatch.setattr("ui.app.services.manager", lambda: manager)
    app.run()
    app.session_state[f"{job.id}-resume-asks"] = True
    app.run()
    button(app, "Resume anyway").click().run()
    app.session_state[f"{job.id}-delete-asks"] = True
    app.run()
    button(app, "Delete permanently").click().run()
    assert manager.asked == [("resume", job.id), ("remove", job.id)]


def test_one_that_waits_can_be_stopped(open_page, workspace, manager):
    job = Import.create(workspace, ImportPlan(path="/x.zip", name="x"), queued=True, by="Ada")
    app = open_page(PAGE)
    button(app, "Stop").click().run()
    assert manager.asked == [("stop", job.id)]


def test_an_address_leads_to_a_job_that_has_finished(open_page, workspace, inline, archive):
    job = Import.create(workspace, ImportPlan(path=str(archive), name="us8k"), queued=True)
    inline.look()
    assert "us8k from US8K.zip" not in words(open_page(PAGE))
    app = open_page(PAGE, job=job.id)
    assert "us8k: 4 clips in 2 classes" in words(app)
    button(app, "Close").click().run()
    assert "job" not in app.query_params
    assert "no import or download 'gone'" in words(open_page(PAGE, job="gone"))


def test_jobs_of_data_sets_lead_to_their_page():
    assert live.PAGES["imports"] == live.PAGES["downloads"] == (PAGE, "job")


# --- addresses


def test_each_way_has_an_address(open_page):
    for title in ways.WAYS:
        app = open_page(PAGE, bring=ways.slug(title))
        assert app.session_state["bring-first"] == title
        assert not app.exception
    assert open_page(PAGE, bring="nonsense").session_state["bring-first"] == "Upload"
