"""The pages in each state of a workspace: what they show, and that nothing they show is a traceback."""

from __future__ import annotations

import pytest

from labcore.errors import DatasetError
from labcore.events import SettingsChanged
from ui.app import shell, tasks

from .conftest import unfold, words

PAGES = [path for path, _, _ in shell.PAGES]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_in_an_empty_workspace(open_page, page):
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert app.title


def test_an_empty_workspace_shows_the_first_steps(open_page):
    app = open_page()
    assert "First steps" in words(app)
    assert [button.label for button in app.button] == ["Generate demo set"]
    assert "bring=upload" in [link.proto.query_string for link in app.get("page_link")]


@pytest.mark.parametrize("state", ["queued", "interrupted", "stopped", "failed", "finished"])
def test_a_run_in_any_state_is_shown_on_every_page(open_page, make_run, dataset, state):
    run = make_run(state)
    for page in PAGES:
        app = open_page(page, run=run.id)
        assert not app.exception
        assert not [error.value for error in app.error if "inside the lab" in error.value]


def test_a_run_at_work_is_live_and_can_be_stopped(open_page, make_run, manager):
    run = make_run("running")
    with run.hold():
        app = open_page("pages/train.py", run=run.id)
        assert "Running" in words(app)
        assert "Epoch 4 of 8, 5 s left" in words(app)
        next(button for button in app.button if button.label == "Stop").click().run()
    assert manager.asked == [("stop", run.id)]


def test_a_run_without_an_epoch_says_what_it_prepares(open_page, make_run):
    run = make_run("running", epochs=0)
    with run.hold():
        assert "Decoding clips: 6 of 12 clips" in words(open_page("pages/train.py", run=run.id))


def test_a_failed_run_shows_error_remedy_and_log(open_page, make_run):
    shown = words(open_page("pages/train.py", run=make_run("failed").id))
    assert "A batch of 64 does not fit." in shown
    assert "Take 32." in shown
    assert "the worker said this last" in shown


def test_a_stopped_run_can_be_resumed(open_page, make_run, manager):
    run = make_run("stopped")
    run.checkpoint.write_bytes(b"")
    app = open_page("pages/train.py", run=run.id)
    next(button for button in app.button if button.label == "Resume").click().run()
    assert manager.asked == [("resume", run.id)]


def test_a_run_is_removed_only_when_that_is_confirmed(open_page, make_run, manager):
    run = make_run("stopped")
    app = open_page("pages/train.py", run=run.id)
    assert manager.asked == []
    app.button(key="remove-for-good").click().run()
    assert manager.asked == [("remove", run.id)]


def test_a_finished_run_says_on_which_clips_its_accuracy_is(open_page, trained):
    app = open_page("pages/train.py", run=trained.id)
    assert {metric.label: metric.value for metric in app.metric} | {
        "Accuracy": "87.5 %",
        "95 % interval": "64.0 – 96.5 %",
    } == {metric.label: metric.value for metric in app.metric}
    assert "16 held-out clips of test fold 1" in words(app)
    assert not app.code  # what draws it is loaded when somebody wants to see it
    assert any("labcore train --dataset small" in code.value for code in unfold(app, "run-settings").code)


def test_a_result_says_whether_settings_were_changed_with_its_clips_in_view(open_page, trained):
    assert "Nothing was chosen on these clips." in words(open_page("pages/train.py", run=trained.id))
    trained.append(SettingsChanged(epoch=1, number=0, changes={"model.dropout": 0.5}))
    told = words(open_page("pages/train.py", run=trained.id))
    assert "Nothing was chosen" not in told
    assert "Settings were changed once while the curves of these clips were in view" in told


def test_an_unknown_run_is_told_in_place(open_page, make_run):
    make_run("stopped")
    assert "There is no run 'nothing'" in words(open_page("pages/train.py", run="nothing"))


def test_a_path_in_the_url_opens_no_run(open_page, make_run, tmp_path):
    elsewhere = make_run("stopped").path.rename(tmp_path / "elsewhere")
    assert "There is no run" in words(open_page("pages/train.py", run=str(elsewhere)))


def test_a_damaged_run_does_not_take_the_others_along(open_page, make_run):
    damaged, sound = make_run("finished"), make_run("stopped")
    (damaged.path / "config.json").write_text("{")
    for page in PAGES:
        assert not open_page(page, run=sound.id).exception
    assert "cannot be read" in words(open_page("pages/train.py", run=damaged.id))


def test_a_bug_is_told_without_a_traceback(open_page, monkeypatch):
    from ui.app import live

    def broken():
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(live, "runs", broken)
    app = open_page()
    assert not app.exception
    assert "server log" in words(app)
    assert "secret" not in words(app)


def test_the_demo_set_is_made_in_the_background(open_page, workspace, monkeypatch):
    from labcore.datasets import demo

    asked = []
    monkeypatch.setattr(demo, "make_demo", lambda folder, progress: asked.append(folder) or progress(3, 10))
    app = open_page()
    app.button[0].click().run()
    tasks.held()["demo"]._thread.join()
    assert asked == [workspace.datasets / "demo"]
    assert tasks.held()["demo"].done == 3


def test_a_demo_set_that_cannot_be_made_is_told_in_place(open_page, monkeypatch):
    from labcore.datasets import demo

    def full(folder, progress):
        raise DatasetError("the disk is full", "Free some space")

    monkeypatch.setattr(demo, "make_demo", full)
    app = open_page()
    app.button[0].click().run()
    tasks.held()["demo"]._thread.join()
    assert "The disk is full. Free some space." in " ".join(words(app.run()).split())
