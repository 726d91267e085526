"""Data sets are brought in by a path and by name; the jobs of that, and the addresses of the ways."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, list_datasets
from labcore.datasets.class_folders import INNER, OUTER, choice_of
from labcore.downloads.job import Download, DownloadPlan
from labcore.importing.job import Import, ImportPlan
from labcore.standard_sets import SETS
from tests.datasets.made import EVERY, folders, laid_out, sounds, wav, zipped
from ui.app import live, tasks
from ui.components.tabs import slug
from ui.datasets.bring import here, ways
from ui.forms import url

from .bringing import PAGE, button, labels, look, settled, upload
from .conftest import words


@pytest.fixture
def archive(tmp_path) -> Path:
    files = EVERY["urbansound8k"]().files
    return zipped(tmp_path / "US8K.zip", files | {"audio/fold1/101-3-0-1.wav": b"no sound at all"})


# --- by a path


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

    def slow(home, path, name, progress, **_):
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


def choose(app, which: str):
    """Say which folders are the classes."""
    next(each for each in app.segmented_control if each.label == "Classes").set_value(which)
    return settled(app.run())


@pytest.fixture
def sites(tmp_path) -> Path:
    ways = [f"{site}/{label}/{n}.wav" for site in ("north", "south") for label in ("cat", "dog") for n in range(3)]
    return laid_out(tmp_path / "sites", sounds(*ways))


def test_inner_folders_are_chosen_as_the_classes_of_a_path(open_page, workspace, sites):
    app = look(open_page(PAGE, bring="on-this-machine"), sites)
    assert "**north** 6" in words(app)
    assert "are read as the classes" in words(app)
    assert "--class-folders" not in words(app)  # the choice is below
    choose(app, INNER)
    assert "**cat** 6" in words(app)
    assert "--class-folders" not in words(app)
    choose(app, OUTER)
    assert "**north** 6" in words(app)
    choose(app, INNER)
    button(app, "Add data set").click().run()
    assert app.query_params["dataset"] == "sites"
    assert find_dataset(workspace, "sites").labels == ["cat", "dog"]
    assert choice_of(workspace, "sites").who == "Ada"


def test_inner_folders_are_chosen_as_the_classes_of_archives(open_page, workspace, inline, sites):
    zips = {
        f"{site}.zip": zipped(
            sites.parent / f"{site}.zip",
            {f"{path.relative_to(sites / site)}": path.read_bytes() for path in (sites / site).rglob("*.wav")},
        ).read_bytes()
        for site in ("north", "south")
    }
    app = upload(open_page(PAGE, bring="upload"), zips)
    assert "**north** 6" in words(app)
    choose(app, INNER)
    assert "**cat** 6" in words(app)
    button(app, "Import").click().run()
    inline.look()
    (info,) = list_datasets(workspace)
    assert (info.classes, find_dataset(workspace, info.name).labels) == (2, ["cat", "dog"])


def test_inner_folders_are_chosen_as_the_classes_of_an_uploaded_folder(open_page, workspace, inline, sites):
    app = open_page(PAGE, bring="upload")
    app = upload(app, {f"sites/{path.relative_to(sites)}": path.read_bytes() for path in sorted(sites.rglob("*.wav"))})
    choose(app, INNER)
    assert "**dog** 6" in words(app)
    upload(app, {"sites/west/cat/1.wav": wav("west")})  # it holds for what is added
    assert "**cat** 7" in words(app)
    button(app, "Import").click().run()
    inline.look()
    assert find_dataset(workspace, "sites").labels == ["cat", "dog"]


def test_a_choice_that_does_not_hold_can_be_taken_back(open_page, workspace, sites):
    app = choose(look(open_page(PAGE, bring="on-this-machine"), sites), INNER)
    for path in sites.rglob("dog"):
        shutil.rmtree(path)
    button(app, "Look").click().run()  # another look begins with the outer ones
    settled(app)
    assert not app.error
    choose(look(app, laid_out(sites, sounds("north/dog/0.wav", "south/dog/1.wav"))), INNER)
    shutil.rmtree(sites / "north")
    app.session_state["long-work"].clear()
    settled(app.run())
    assert "cannot be the inner folders" in words(app)
    assert "Add data set" not in labels(app)
    choose(app, OUTER)
    assert "**dog** 1" in words(app)


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
    app.checkbox(key="standard-fsdd-accepted").check().run()
    app.text_input(key="standard-fsdd-file").set_value(f"{tmp_path}/none.zip")
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
        app = open_page(PAGE, bring=slug(title))
        assert app.session_state["bring-open-first"] == title
        assert not app.exception
    assert open_page(PAGE, bring="nonsense").session_state["bring-open-first"] == "Upload"


def test_the_browsers_back_opens_the_way_of_before(open_page, monkeypatch):
    app = open_page(PAGE, bring="record")
    monkeypatch.setattr(url, "went_back", lambda: True)
    app.query_params["bring"] = "on-this-machine"
    assert button(app.run(), "Look")
    assert not app.exception
