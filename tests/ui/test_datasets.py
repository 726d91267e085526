"""Data sets on the pages: renaming, removing, and folds that cannot be held out."""

from __future__ import annotations

import shutil

import pytest

from labcore.checking import Check, CheckPlan
from labcore.datasets import glance, list_datasets, register
from ui.overview.view import MOST_SETS

from .conftest import words


def button(app, label: str):
    return next(each for each in app.button if each.label == label)


@pytest.fixture
def outside(dataset, tmp_path):
    """The small data set, outside the workspace."""
    return dataset.rename(tmp_path / "elsewhere")


def test_renaming_and_removing_name_the_runs(open_page, workspace, outside, make_run):
    register(workspace, outside, "small")
    run = make_run("stopped")
    app = open_page("pages/train.py")
    app.session_state["train-small-menu"] = True
    app.run()
    assert f"1 run uses it: {run.id}" in words(app)
    assert "Only the entry is deleted; the files stay." in words(app)
    app.text_input(key="train-small-new").set_value("mine").run()
    button(app, "Rename").click().run()
    assert app.selectbox(key="data-choice-1").value == "mine"
    app.session_state["train-mine-menu"] = True
    app.run()
    assert run.id in words(app)
    button(app, "Delete").click().run()
    assert not app.exception
    assert list_datasets(workspace) == []
    assert outside.is_dir()


def test_a_set_that_is_worked_on_cannot_be_deleted_and_the_page_says_why(open_page, workspace, outside, make_run):
    register(workspace, outside, "small")
    check = Check.create(workspace, CheckPlan(dataset="small"), queued=True)
    app = open_page("pages/train.py")
    app.session_state["train-small-menu"] = True
    app.run()
    assert f"check {check.id} waits for it" in words(app)
    assert not button(app, "Delete").disabled
    check.append(check.started())
    with check.hold():
        assert f"check {check.id} works on it" in words(app.run()).lower()
        assert button(app, "Delete").disabled
        app.text_input(key="train-small-new").set_value("mine").run()
        assert button(app, "Rename").disabled
    run = make_run("stopped")
    with run.hold():
        run.append(run.started())
        assert f"1 run trains on it, {run.id}. It can be renamed or deleted once that has ended" in words(app.run())
        assert button(app, "Delete").disabled


def test_a_set_in_the_workspace_says_that_it_is_deleted(open_page, workspace, dataset):
    app = open_page()
    app.session_state["first-small-menu"] = True
    app.run()
    assert "are deleted" in words(app)
    button(app, "Delete").click().run()
    assert not dataset.exists()


def test_the_fold_selector_stays_where_a_fold_cannot_be_held_out(open_page, workspace, dataset, manager):
    """Fold 1 holds all of one class but its last clip's siblings: held out, one class would be left."""
    root = workspace.datasets / "parted"
    for label, folds in (("bark", "112233"), ("hum", "111111")):
        for number, fold in enumerate(folds):
            (root / f"fold{fold}" / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(dataset / label / f"{label}{number}.wav", root / f"fold{fold}" / label)
    app = open_page("pages/train.py")
    app.selectbox(key="data-choice").set_value("parted").run()
    choice = app.selectbox(key="fold-choice")
    assert choice.options == ["automatic (2)", "1 (cannot be tested on)", "2", "3"]
    assert (
        "Fold 1 cannot be the test fold: only one class, 'bark', is left for training when it is the test fold."
        in words(app)
    )
    choice.set_value("1").run()
    assert app.selectbox(key="fold-choice").value == "1"
    assert button(app, "Start").disabled
    app.selectbox(key="fold-choice").set_value("automatic").run()
    button(app, "Start").click().run()
    assert [config.data.dataset for config in manager.submitted] == ["parted"]
    for page in ("pages/crossval.py", "pages/tune.py"):
        app.switch_page(page).run()
        assert not app.exception


def test_data_sets_that_are_not_chosen_are_looked_at_once(open_page, workspace, dataset, monkeypatch):
    register(workspace, workspace.datasets / "small", "tones")
    app = open_page("pages/train.py")
    looked, names = glance._info, []
    monkeypatch.setattr(glance, "_info", lambda home, name, path: names.append(name) or looked(home, name, path))
    app.run()
    assert app.selectbox(key="data-choice").value == "small"
    assert names.count("tones") == 1


def test_the_overview_draws_the_first_of_many_data_sets_and_counts_the_others(open_page, workspace, dataset, make_run):
    make_run("finished")
    for number in range(9):
        register(workspace, workspace.datasets / "small", f"set {number}")
    app = open_page()
    names = [link.proto.label for link in app.get("page_link") if link.proto.label.startswith("**set")]
    assert len(names) == 4 + MOST_SETS  # the first steps show four
    assert "and 2 more data sets" in words(app)


def test_the_overview_orders_runs_by_the_age_that_it_shows(open_page, dataset, make_run, monkeypatch):
    from labcore.runs import Run

    runs = [make_run("finished") for _ in range(3)]
    real = Run.status

    def status(self, events=None):
        from dataclasses import replace

        age = {runs[0].id: 10.0, runs[1].id: 7000.0, runs[2].id: 400.0}[self.id]
        import time

        return replace(real(self, events), changed_at=time.time() - age)

    monkeypatch.setattr(Run, "status", status)
    shown = [link.proto.query_string for link in open_page().get("page_link") if "run=" in link.proto.query_string]
    assert [name.partition("run=")[2] for name in shown[:3]] == [runs[0].id, runs[2].id, runs[1].id]
