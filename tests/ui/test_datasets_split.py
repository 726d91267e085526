"""The tab Split of a data set: who is on which side, new splits with their preview, kept, renamed, deleted, refused where they leak."""

from __future__ import annotations

import shutil

from labcore.datasets import find_dataset
from labcore.datasets.named_splits import keep_split, named_splits
from labcore.runs import Run
from ui.datasets import split_sides

from .conftest import words

PAGE = "pages/datasets.py"
KEY = "new-split-small"


def tab(open_page, **query: str):
    app = open_page(PAGE, dataset="small", tab="Split", **query)
    assert not app.exception
    return app


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


def kept(workspace, name: str = "mine", who: str = "Ada"):
    folds = ["1", "2"] * 6
    return keep_split(workspace, "small", name, folds, [""] * 12, by="{n:digits}", who=who)


def test_the_folds_of_the_data_set_as_they_are(open_page, dataset, workspace):
    app = tab(open_page)
    assert "5 folds drawn clip by clip" in words(app)
    numbers, groups = (table.value for table in app.dataframe)
    assert list(numbers["Class"]) == ["bark", "hum", "All classes"]
    assert list(numbers.iloc[-1, 1:]) == [3, 3, 2, 2, 2]
    assert len(groups) == 12
    app.text_input(key="split-small-official-words").set_value("HUM3").run()
    assert list(app.dataframe[1].value["Example"]) == ["hum3.wav"]
    app.segmented_control(key="split-small-official-what").set_value("clips").run()
    assert list(app.dataframe[1].value["Clip"]) == ["hum3.wav"]


def test_the_largest_groups_come_first_whatever_page_is_on_view(open_page, dataset, workspace, monkeypatch):
    monkeypatch.setattr(split_sides, "GROUPS", 2)
    folds, groups = ["1"] * 4 + ["2"] * 8, [*"abcd", *"eefffghi"]
    keep_split(workspace, "small", "mine", folds, groups, by="{n:digits}", who="Ada")
    app = tab(open_page, split="mine")
    assert "9 groups, 12 clips" in words(app)
    first = app.dataframe[1].value
    assert first[["Group", "Clips", "Fold"]].to_numpy().tolist() == [["f", 3, "2"], ["e", 2, "2"]]


def test_folds_are_drawn_looked_at_and_kept(open_page, dataset, workspace):
    app = tab(open_page)
    button(app, "New split").click().run()
    assert app.query_params["split"] == "new"
    assert "Not told by these files: speaker, site, day, folder." in words(app)
    app.selectbox(key=f"{KEY}-by").set_value("pattern").run()
    assert "Names to match" in words(app)
    app.text_input(key=f"{KEY}-pattern").set_value("{kind}?").run()
    assert "2 groups by {kind}?, of 6 clips each. The largest, bark, has 6 clips (50.0 %)." in words(app)
    assert "In one fold only, so that it cannot be learnt and tested: bark, hum." in words(app)
    app.text_input(key=f"{KEY}-pattern").set_value("bark{n}").run()
    assert "6 names did not match" in [each.label for each in app.expander]
    app.text_input(key=f"{KEY}-pattern").set_value("{n}").run()
    app.number_input(key=f"{KEY}-folds-6").set_value(3).run()
    assert list(app.dataframe[1].value.columns) == ["Class", "1", "2", "3"]
    assert named_splits(workspace, "small") == {}
    button(app, "Keep").click().run()
    assert not app.exception
    assert app.query_params["split"] == "pattern"
    assert "3 folds by {n}." in words(app)
    (split,) = named_splits(workspace, "small").values()
    assert (split.who, len(split.clips)) == ("Ada", 12)


def test_parts_by_shares(open_page, dataset, workspace):
    app = tab(open_page, split="new")
    app.segmented_control(key=f"{KEY}-kind").set_value("shares").run()
    assert list(app.dataframe[1].value.iloc[-1, 1:]) == [8, 2, 2]
    app.number_input(key=f"{KEY}-val-70").set_value(0).run()
    assert list(app.dataframe[1].value.columns) == ["Class", "train", "test"]
    app.text_input(key=f"{KEY}-name-source").set_value("a b").run()
    button(app, "Keep").click().run()
    assert "cannot be the name of a split" in words(app)
    app.text_input(key=f"{KEY}-name-source").set_value(
        "halves"
    )  # pressed at once: of both the page hears in one moment
    button(app, "Keep").click().run()
    assert named_splits(workspace, "small")["halves"].note == "split halves: train, test by source"


def test_a_list_that_leaks_is_refused_until_it_is_brought_together(open_page, dataset, workspace):
    shutil.copy(dataset / "hum" / "hum0.wav", dataset / "hum" / "hum9.wav")
    app = tab(open_page, split="new")
    app.segmented_control(key=f"{KEY}-kind").set_value("list").run()
    ways = [
        f"{file.parent.name}/{file.name},{2 if '9' in file.name or 'bark' in file.name else 1}"
        for file in sorted(dataset.rglob("*.wav"))
    ]
    app.file_uploader[0].upload("mine.csv", "\n".join(["path,fold", *ways]).encode()).run()
    assert "This split leaks, so it cannot be kept." in words(app)
    assert "hum0.wav in fold 1 and hum9.wav in fold 2" in words(app)
    assert all(each.label != "Keep" for each in app.button)
    app.toggle(key=f"{KEY}-together").set_value(True).run()
    assert "1 clip moved to the fold of what they belong together with." in words(app)
    button(app, "Keep").click().run()
    assert list(named_splits(workspace, "small")) == ["list"]


def test_a_split_is_renamed_and_deleted_and_its_runs_are_named(open_page, dataset, workspace, make_run):
    kept(workspace)
    app = tab(open_page, split="mine")
    run = make_run("queued", **{"data.named_split": "mine"})
    app.session_state["split-small-mine-menu"] = True
    app.run()
    assert f"1 run uses the split mine: {run.id}" in words(app)
    button(app, "Delete").click().run()
    assert "cannot be removed now: 1 run has not begun with it yet" in words(app)
    app.text_input(key="split-small-mine-new").set_value("ours").run()
    button(app, "Rename").click().run()
    assert app.query_params["split"] == "ours"
    assert list(named_splits(workspace, "small")) == ["ours"]
    assert "2 folds by {n:digits}." in words(tab(open_page, split="mine"))  # a link with its old name
    Run(run.path).save("split", named_splits(workspace, "small")["ours"].model_dump())
    app.session_state["split-small-ours-menu"] = True
    app.run()
    button(app, "Delete").click().run()
    assert named_splits(workspace, "small") == {}
    assert "split" not in app.query_params
    assert "There is no split 'mine' in this workspace" in words(tab(open_page, split="mine"))


def test_what_came_later_is_told(open_page, dataset, workspace):
    split = kept(workspace)
    (dataset / "hum" / "hum9.wav").write_bytes((dataset / "hum" / "hum0.wav").read_bytes() + b"\0\0")
    app = tab(open_page, split="mine")
    assert "1 clip came after this split was made" in words(app)
    assert "1 clip in no fold: used for nothing." in words(app)
    assert len(split.clips) == len(find_dataset(workspace, "small")) - 1


def test_a_reload_gives_the_form_and_the_search_again(open_page, dataset):
    asked = {"kind": "Train, validation, test", "train": "60", "val-60": "20", "seed": "7"}
    app = tab(open_page, split="new", **{f"{KEY}-{word}": text for word, text in asked.items()})
    assert [app.number_input(key=f"{KEY}-{word}").value for word in ("train", "val-60", "seed")] == [60, 20, 7]
    app = tab(open_page, who="clips", **{"split-small-official-words": "HUM3"})
    assert list(app.dataframe[1].value["Clip"]) == ["hum3.wav"]
