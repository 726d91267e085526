"""A browser that hears late of what has changed: what it still sends is no choice, and no part of a page stays behind."""

from __future__ import annotations

from labcore.events import RunFinished
from labcore.jobs.about import change_about
from ui.components import job_picker

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


def test_a_run_that_ends_while_its_page_is_drawn_is_shown_as_finished(open_page, make_run, monkeypatch):
    run, real = make_run("running"), job_picker.unseen_heading

    def end(text: str) -> None:
        if run.status().active:
            run.append(RunFinished(state="finished", epochs_done=3))
        real(text)

    monkeypatch.setattr(job_picker, "unseen_heading", end)  # what stands before the state in words
    with run.hold():
        shown = words(open_page("pages/train.py", run=run.id))
    assert "Finished]" in shown
    assert "Running]" not in shown


def test_a_run_stays_on_view_when_it_is_called_otherwise(open_page, dataset, make_run):
    run = make_run("queued")
    app = open_page("pages/train.py", run=run.id)
    late = held(app)  # with its name by now chosen in the list of runs
    change_about(run.path, name="Herons")  # as its title changes once its epochs are known
    app.run()
    app._run(late)
    assert app.query_params["run"] == run.id
    assert not app.error
