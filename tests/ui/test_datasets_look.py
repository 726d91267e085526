"""The page of data sets: the list, one of them, its clips searched, seen and measured, and what is missing told."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from labcore.audio import encode_wav
from labcore.config.presets import preset
from labcore.datasets import find_dataset, register
from labcore.datasets.annotations import annotate, decided
from labcore.datasets.class_folders import INNER, keep_class_folders
from labcore.datasets.corrections import keys_of
from labcore.explore.clips import facts, thumbnails
from labcore.explore.clips.profile import Profile
from tests.datasets.made import laid_out, sounds
from tests.judged import crossval_of, finished_run, judged, sure
from ui.datasets.opened import version
from ui.forms import url

from .conftest import LABELS, words

PAGE = "pages/datasets.py"


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def shown(app) -> list[str]:
    """The names in the table of clips."""
    return app.dataframe[0].value["Clip"].tolist()


@pytest.fixture
def counted_reads(monkeypatch) -> list[str]:
    """The files that are opened as sound."""
    from labcore.audio import files

    read: list[str] = []
    real = files.opened
    monkeypatch.setattr(
        "labcore.audio.recording.opened", lambda source, *more: read.append(str(source)) or real(source, *more)
    )
    return read


def test_an_empty_workspace_offers_the_demo_set_and_ones_own(open_page):
    app = open_page(PAGE)
    assert button(app, "Generate demo set")
    assert app.get("file_uploader")
    assert not app.exception


def test_rows_of_a_list_that_are_left_out_are_told(open_page, dataset, workspace):
    rows = "".join(f"{label}/{label}{n}.wav,{label}\n" for label in LABELS for n in range(7))
    (dataset / "list.csv").write_text(f"path,label\n{rows}")
    assert "2 files or rows left out, as bark6.wav, which is missing" in words(open_page(PAGE, dataset="small"))


def test_a_visit_reads_the_clip_that_is_seen_and_no_other(open_page, dataset, counted_reads):
    app = open_page(PAGE, dataset="small")
    assert not app.exception
    assert not app.error
    assert {path.rsplit("/", 1)[-1] for path in counted_reads} == {shown(app)[0]}
    assert "Class folders" in words(app)
    assert "Lengths, rates and levels are not known yet." in words(app)


def test_clips_are_searched_and_filtered(open_page, dataset):
    app = open_page(PAGE, dataset="small")
    app.text_input(key="words").set_value("HUM3").run()
    assert shown(app) == ["hum3.wav"]
    assert "1 of 12 clips" in words(app)
    app.text_input(key="words").set_value("").run()
    app.multiselect(key="class").set_value(["bark"]).run()
    assert len(shown(app)) == 6
    app.text_input(key="words").set_value("hum").run()
    assert "No clip fits. Choose fewer filters." in words(app)


def test_a_link_opens_the_clips_that_were_found(open_page, dataset):
    app = open_page(PAGE, **{"dataset": "small", "class": "bark", "words": "3", "order": "Name"})
    assert shown(app) == ["bark3.wav"]
    assert (app.text_input(key="words").value, app.selectbox(key="order").value) == ("3", "name")
    app = open_page(PAGE, **{"dataset": "small", "class": "cow", "order": "Nonsense"})
    assert not app.exception
    assert len(shown(app)) == 12


def test_each_set_keeps_its_filters_while_another_is_looked_at(open_page, workspace, dataset):
    shutil.copytree(dataset, workspace.datasets / "other")
    shutil.rmtree(workspace.datasets / "other" / "bark")
    shutil.copytree(dataset / "bark", workspace.datasets / "other" / "howl")
    app = open_page(PAGE, dataset="small")
    app.text_input(key="words").set_value("3").run()
    app.multiselect(key="class").set_value(["bark"]).run()
    app.query_params.clear()
    app.query_params["dataset"] = "other"
    app.run()
    assert len(shown(app)) == 12
    app.multiselect(key="class").set_value(["howl"]).run()
    for name, expected in (("small", ["bark3.wav"]), ("other", [f"bark{number}.wav" for number in range(6)])):
        app.query_params.clear()
        app.query_params["dataset"] = name
        app.run()
        assert shown(app) == expected
    for clip in (workspace.datasets / "other").rglob(
        "*.wav"
    ):  # a class that is gone, and lengths that are not known yet
        clip.rename(clip.with_name(f"new-{clip.name}"))
    (workspace.datasets / "other" / "howl").rename(workspace.datasets / "other" / "wail")
    app.session_state["look-kept"]["small"] |= {"length": (0.2, 9.0), "state": "left_out"}
    for name, expected in (("small", 1), ("other", 12)):
        app.query_params.clear()
        app.query_params["dataset"] = name
        app.run()
        assert not app.exception
        assert len(shown(app)) == expected


def test_filters_and_page_are_there_again_after_another_tab_and_in_a_link(open_page, dataset, monkeypatch):
    monkeypatch.setattr("ui.datasets.clip_list.ROWS", 4)
    app = open_page(PAGE, dataset="small", words="bark")
    button(app, "Next").click().run()
    assert shown(app) == ["bark4.wav", "bark5.wav"]
    assert app.query_params["page"] == "2"
    for tab in ("Check", "Look"):
        app.session_state["tab"] = tab
        app.run()
    assert app.text_input(key="words").value == "bark"
    assert shown(app) == ["bark4.wav", "bark5.wav"]
    app.text_input(key="words").set_value("").run()
    assert len(shown(app)) == 4
    assert "page" not in app.query_params
    assert shown(open_page(PAGE, dataset="small", words="bark", page="2")) == ["bark4.wav", "bark5.wav"]
    for wrong in ("99", "0", "-1", "two", "9" * 5000):
        app = open_page(PAGE, dataset="small", words="bark", page=wrong)
        assert not app.exception
        assert len(shown(app)) == (2 if wrong == "99" else 4)


def test_the_browsers_back_leads_to_the_page_of_before(open_page, dataset, monkeypatch):
    monkeypatch.setattr("ui.datasets.clip_list.ROWS", 4)
    app = open_page(PAGE, dataset="small", words="bark")
    button(app, "Next").click().run()
    monkeypatch.setattr(url, "went_back", lambda: True)
    del app.query_params["page"]
    assert shown(app.run()) == ["bark0.wav", "bark1.wav", "bark2.wav", "bark3.wav"]
    app.query_params["page"] = "2"
    assert shown(app.run()) == ["bark4.wav", "bark5.wav"]
    assert app.query_params["page"] == "2"
    app.query_params["view"] = "thumbnails"
    assert app.run().get_by_key("look-view").value == "thumbnails"
    assert not app.warning
    assert not app.exception


def test_the_map_tells_what_a_whole_cross_validation_got_right(open_page, workspace, dataset, inline, monkeypatch):
    ways, runs = [key[0] for key in keys_of(find_dataset(workspace, "small"))], []
    for fold, part in (("1", ways[::2]), ("2", ways[1::2])):
        truth = [way.partition("/")[0] for way in part]
        said = judged(truth, sure(["hum"] * 6, labels=LABELS), labels=LABELS, names=part, fold=fold)
        runs.append(finished_run(workspace, said, {"data.dataset": "small", "data.fold": fold}))
    crossval_of(runs, "small")
    drawn: list = []
    monkeypatch.setattr("ui.charts.clips.clip_map", lambda points, *_, **__: drawn.append(points))
    app = open_page(PAGE, dataset="small", view="map", colour="Correctness")
    button(app, "Make the map").click().run()
    inline.look()
    app.run()
    assert not app.exception
    assert app.selectbox(key="look-small-of-").options[0].startswith("Cross-validation small")
    assert drawn[-1].groupby("label")["kind"].unique().map(list).to_dict() == {"bark": ["wrong"], "hum": ["right"]}


def test_measured_beside_the_page(open_page, dataset, inline):
    app = open_page(PAGE, dataset="small")
    button(app, "Measure the clips").click().run()
    assert "Profile" in words(app)
    button(app, "Stop")
    inline.look()
    app.run()
    assert not app.exception
    assert "6 s" in words(app)
    assert "8 kHz" in words(app)
    assert "Level (dBFS)" in app.dataframe[0].value
    (dataset / "hum" / "new.wav").write_bytes(encode_wav(np.zeros(4000, np.float32), 8000))
    app = open_page(PAGE, dataset="small")
    assert button(app, "Measure 1 new clip")


def test_corrected_labels_are_marked(open_page, workspace, dataset):
    keys = keys_of(find_dataset(workspace, "small"))
    one, other = keys[0], keys[-1]
    size = (dataset / one[0]).stat().st_size
    annotate(workspace, "small", decided(one, "other", who="Ada", size=size, new="hum"))
    annotate(workspace, "small", decided(other, "wrong", who="Ada", size=size))
    app = open_page(PAGE, dataset="small")
    assert "Labels of revision 2: 1 corrected, 1 clip left out." in words(app)
    assert "corrected, was bark" in words(app)
    assert app.dataframe[0].value["Was"].dropna().tolist() == ["bark", "hum"]
    app.selectbox(key="state").set_value("left_out").run()
    assert app.dataframe[0].value["Class"].tolist() == ["left out"]


def test_thumbnails_of_a_page_are_made_and_kept(open_page, workspace, dataset, monkeypatch):
    for number in range(20):
        shutil.copy(dataset / "hum" / "hum0.wav", dataset / "hum" / f"more{number}.wav")
    drawn = []
    real = thumbnails.render
    monkeypatch.setattr(thumbnails, "render", lambda row: drawn.append(row.path) or real(row))
    app = open_page(PAGE, dataset="small", view="thumbnails")
    assert len(drawn) == 24
    assert "1–24 of 32 clips" in words(app)
    button(app, "Next").click().run()
    assert len(drawn) == 32
    button(app, "Previous").click().run()
    assert len(drawn) == 32
    assert not app.exception


def test_the_map_is_made_on_demand(open_page, dataset, trained, inline):
    app = open_page(PAGE, dataset="small", view="map")
    button(app, "Make the map").click().run()
    inline.look()
    app.run()
    assert "12 clips. Press a point to hear it." in words(app)
    app.multiselect(key="class").set_value(["bark"]).run()
    assert "6 that the filter leaves out are faint" in words(app)
    app.selectbox(key="by").set_value(trained.id).run()
    assert button(app, "Make the map")
    assert len(Profile.every(inline.workspace)) == 1
    assert not app.exception


def test_a_profile_that_failed_says_why(open_page, dataset, inline, monkeypatch):
    app = open_page(PAGE, dataset="small")
    button(app, "Measure the clips").click().run()
    monkeypatch.setattr(facts, "_write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    inline.look()
    app.run()
    assert button(app, "Measure the clips")
    assert len(app.error) == 1


def test_what_is_gone_or_broken_is_told(open_page, workspace, dataset, tmp_path):
    app = open_page(PAGE, dataset="nothing")
    assert "There is no data set 'nothing' in this workspace." in words(app)
    assert button(app, "**small**")
    outside = dataset.rename(tmp_path / "away")
    register(workspace, outside, "away")
    shutil.rmtree(outside)
    app = open_page(PAGE, dataset="away")
    assert "does not exist" in words(app)
    assert not app.tabs
    assert not app.exception


def test_deleted_it_leads_to_the_list_and_renamed_it_follows(open_page, workspace, dataset):
    app = open_page(PAGE, dataset="small")
    app.session_state["one-small-menu"] = True
    app.run()
    app.text_input(key="one-small-new").set_value("mine").run()
    button(app, "Rename").click().run()
    assert app.query_params["dataset"] == "mine"
    app.session_state["one-mine-menu"] = True
    app.run()
    button(app, "Delete").click().run()
    assert "dataset" not in app.query_params
    assert not app.error
    assert not dataset.exists()


def test_names_of_every_kind(open_page, workspace, dataset):
    strange = dataset / "a*b <i>$"
    strange.mkdir()
    for name in ("`x`.wav", "naïve 声.wav", "bad\udcff.wav"):
        shutil.copy(dataset / "hum" / "hum0.wav", strange / name)
    for view in ("table", "thumbnails"):
        app = open_page(PAGE, dataset="small", view=view)
        assert not app.exception
        assert not app.error
    app = open_page(PAGE, dataset="small")
    app.text_input(key="words").set_value("bad").run()
    assert shown(app) == ["bad\\xff.wav"]
    assert not app.error


@pytest.mark.parametrize("own", [False, True])
def test_folders_of_two_levels_are_read_otherwise_with_the_way_back(open_page, workspace, tmp_path, own):
    ways = [f"{site}/{label}/{n}.wav" for site in ("north", "south") for label in ("cat", "dog") for n in range(3)]
    root = laid_out((workspace.datasets if own else tmp_path) / "sites", sounds(*ways))
    if not own:
        register(workspace, root, "sites")
    app = open_page(PAGE, dataset="sites")
    app.session_state["settings"] = preset("balanced").values() | {"data.dataset": "sites", "data.fold": "5"}
    for press, label, told in (
        ("Take the inner folders as classes", "cat", "Chosen just now by Ada"),
        ("Take the outer folders as classes", "north", "The folders north, south are read as the classes"),
    ):
        button(app, press).click().run()
        assert not app.exception
        assert told in words(app)
        assert app.dataframe[0].value["Class"][0] == label
        assert app.session_state["settings"]["data.fold"] is None  # there are other folds
    button(app, "Take the inner folders as classes").click().run()
    assert "(cat, dog) are the classes, and the outer ones (north, south) the groups" in words(app)
    shutil.rmtree(root / "south")
    app = open_page(PAGE, dataset="sites")
    assert "cannot be the inner folders of two or more outer ones" in words(app)
    button(app, "Take the outer folders as classes").click().run()
    assert not app.error
    assert find_dataset(workspace, "sites").labels == ["cat", "dog"]


def test_what_is_kept_of_a_set_is_of_its_class_folders(workspace, dataset):
    before = version("small")
    keep_class_folders(workspace, "small", INNER)
    assert version("small") != before  # also where nothing remembers it at a glance
