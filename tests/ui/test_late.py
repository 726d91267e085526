"""A browser that hears late of what has changed: what it still sends is no choice, and no part of a page stays behind."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labcore import builtin
from labcore.audio import encode_wav
from labcore.benchmark.job import Benchmark
from labcore.datasets.keeping import remove, rename
from labcore.datasets.takes.recorded import RecordedSet
from labcore.errors import RunError
from labcore.events import RunFinished
from labcore.jobs.about import change_about
from labcore.jobs.trash import throw_away
from ui.app import shell
from ui.components import job_picker

from . import bench_reports
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


def test_another_network_or_report_stays_that_the_browser_has_not_heard_of_yet(open_page, trained, workspace):
    app = open_page("pages/classify.py", run=trained.id)
    late = held(app)
    app.query_params["run"] = builtin.NAME
    app.run()
    app._run(late)  # with the run from before chosen
    assert app.query_params["run"] == builtin.NAME
    first, second = (Benchmark.keep(workspace, bench_reports.report(created=1.7e9 + day)).id for day in (0, 86400))
    app = open_page("pages/benchmark.py", report=first)
    late = held(app)
    app.query_params["report"] = second
    app.run()
    app._run(late)
    assert app.query_params["report"] == second


def test_how_takes_are_cut_is_not_set_back_by_a_tab_that_has_not_heard_of_a_change(open_page, workspace):
    made = RecordedSet.create(workspace, "farm", ["dog", "rain"])
    made.add(encode_wav(np.full(8000, 0.3, np.float32), 8000), "dog")
    app = open_page("pages/datasets.py", record="farm")
    late = held(app)  # with takes as they are, and their silence
    made.cut(0.5)
    made.trim(True)
    app.run()
    app._run(late)
    assert (made.read().cut_s, made.read().trim) == (0.5, True)


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


def page() -> None:
    import streamlit as st

    from labcore.errors import RunError
    from ui.app import shell

    times = st.session_state["times"] = st.session_state.get("times", 0) + 1
    shell.shows(lambda: times > 1)
    with shell.errors_in_place():
        if times == 1:
            raise RunError("it cannot be read")
    st.markdown(f"{times} times")


@pytest.mark.parametrize(("by_itself", "told"), [(True, "2 times"), (False, "1 times\nIt cannot be read.")])
def test_a_part_that_fails_has_the_whole_page_tell_what_was_deleted_elsewhere(monkeypatch, by_itself, told):
    monkeypatch.setattr(shell, "by_itself", lambda: by_itself)  # a page test draws the whole page
    assert words(AppTest.from_function(page).run()) == told


@pytest.mark.parametrize("address", ["pages/train.py", "pages/runs.py"])
def test_a_run_that_was_deleted_elsewhere_is_told_as_such(open_page, dataset, trained, address):
    app = open_page(address, run=trained.id)
    assert app.session_state[shell.SUBJECT]()
    throw_away(trained, "Bo")
    assert not app.session_state[shell.SUBJECT]()
    told = words(app.run())
    assert f"Run {trained.id} was deleted by Bo, just now.\n\nThe trash on the Runs page gives it back." in told
    assert shell.SUBJECT not in app.session_state


def test_what_went_wrong_is_not_told_later_beside_the_same_button_of_something_else(open_page, dataset, make_run):
    app = open_page("pages/train.py")
    app.session_state["trouble-again"] = RunError("it is gone")  # of a button of a run that is not on view any more
    app.run()
    app.query_params["run"] = make_run("finished").id
    assert not app.run().error


def test_a_data_set_that_is_shown_may_be_renamed_and_deleted_elsewhere(open_page, dataset, workspace):
    app = open_page("pages/datasets.py", dataset="small")
    rename(workspace, "small", "smaller")
    assert app.session_state[shell.SUBJECT]()
    remove(workspace, "smaller", delete=True)
    assert not app.session_state[shell.SUBJECT]()


def test_a_run_stays_on_view_when_it_is_called_otherwise(open_page, dataset, make_run):
    run = make_run("queued")
    app = open_page("pages/train.py", run=run.id)
    late = held(app)  # with its name by now chosen in the list of runs
    change_about(run.path, name="Herons")  # as its title changes once its epochs are known
    app.run()
    app._run(late)
    assert app.query_params["run"] == run.id
    assert not app.error
