"""What is changed in the form of a new run counts everywhere at once, however late the browser hears of it."""

from __future__ import annotations

import pytest

from labcore.jobs.about import change_about

from .conftest import held, words


def test_what_the_browser_sends_before_it_has_heard_of_a_change_is_no_choice(open_page, dataset, make_run):
    run = make_run("queued")
    app = open_page("pages/train.py")
    app.get_by_key("setting-features.hop_length-usual").set_value(512).run()
    app.get_by_key("setting-features.hop_length-1").set_value(300)
    late = held(app)  # with the new hop length, and 512 pressed below it
    app.run()
    app._run(late)
    assert app.session_state["settings"]["features.hop_length"] == 300
    app.query_params["run"] = run.id
    app.run()
    app._run(late)  # with "New run" chosen in the list of runs
    assert app.query_params["run"] == run.id


def test_a_change_makes_the_preset_custom_and_the_browser_may_hear_of_it_late(open_page, dataset):
    app = open_page("pages/train.py")
    app.get_by_key("setting-optim.batch_size").set_value(64)
    late = held(app)  # with "Balanced" pressed
    app.run()
    assert app.get_by_key("preset-choice-1").value == "own"
    app._run(late)
    assert app.session_state["settings"]["optim.batch_size"] == 64
    app.get_by_key("preset-choice-1").set_value("balanced").run()
    assert app.session_state["settings"]["optim.batch_size"] == 32


@pytest.mark.parametrize(("path", "value"), [("features.hop_length", 64), ("data.leave_out", "1")])
def test_a_change_is_told_everywhere_at_once(open_page, dataset, path, value):
    app = open_page("pages/train.py")
    before = words(app)
    app.get_by_key(f"setting-{path}").set_value(value).run()
    told, folds = words(app), app.selectbox(key="fold-choice").options
    app.run()
    assert (words(app), app.selectbox(key="fold-choice").options) == (told, folds)
    assert told != before


def test_a_run_stays_on_view_when_it_is_called_otherwise(open_page, dataset, make_run):
    run = make_run("queued")
    app = open_page("pages/train.py", run=run.id)
    late = held(app)  # with its name by now chosen in the list of runs
    change_about(run.path, name="Herons")  # as its title changes once its epochs are known
    app.run()
    app._run(late)
    assert app.query_params["run"] == run.id
    assert not app.error
