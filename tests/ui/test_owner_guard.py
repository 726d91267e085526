"""Several people on one server: whose a run is, the question before another's is touched, and quiet pages for who works alone."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from labcore.benchmark.job import Benchmark
from labcore.benchmark.plan import quick_plan
from labcore.config import RunConfig
from labcore.crossval.job import CrossValidation
from labcore.events import Estimate
from labcore.runs import list_runs
from labcore.search.folder import Search
from labcore.search.settings import make_settings
from labcore.search.space import Range
from labcore.training.estimates import EstimateJob

from .conftest import words

TRAIN = "pages/train.py"


def page_links(app: AppTest) -> list[str]:
    return [str(link.proto.label).replace("\\", "") for link in app.get("page_link")]


def buttons(app: AppTest) -> dict[str, str]:
    return {button.key: button.label for button in app.button}


@pytest.fixture
def acts(manager, monkeypatch):
    """What the manager was asked for, with the name of who asked."""
    asked = []
    for what in ("stop", "resume"):
        monkeypatch.setattr(manager, what, lambda job, by="", what=what: asked.append((what, job.id, by)))
    return asked


@pytest.mark.parametrize("owner", ["Ada", ""])
def test_one_stops_ones_own_run_and_one_of_nobody_with_one_press(open_page, make_run, acts, owner):
    run = make_run("queued", by=owner)
    app = open_page(TRAIN, run=run.id)
    assert buttons(app)["stop"] == "Cancel"
    assert not any(block.type == "popover" and "Take" in block.proto.popover.label for block in app.main)
    app.button("stop").click().run()
    assert acts == [("stop", run.id, "Ada")]


def test_pages_name_nobody_where_all_is_the_visitors(open_page, make_run):
    runs = [make_run("queued", by="Ada"), make_run("stopped", by="Ada", stopped_by="Ada"), make_run("finished")]
    pages = [open_page(), *(open_page(TRAIN, run=run.id) for run in runs)]
    for app in pages:
        assert not app.exception
        assert "Ada" not in words(app) + "".join(page_links(app)) + str([box.options for box in app.selectbox])


def test_anothers_run_is_named_and_stopped_after_a_question(open_page, make_run, acts):
    run = make_run("queued", by="Bo *the* second")
    app = open_page(TRAIN, run=run.id)
    shown = words(app)
    assert "Started by] **Bo *the* second**" in shown
    assert "**Bo *the* second** started this. Stop it anyway?" in shown
    assert buttons(app)["stop"] == "Stop anyway"
    app.button("stop").click().run()
    assert acts == [("stop", run.id, "Ada")]
    assert app.session_state["stop-asks"] is False  # the question closes, and does not stay open over another button
    assert any("Bo *the* second" in option for option in app.selectbox("run-choice").options)


def test_anothers_ended_run_is_resumed_and_removed_after_a_question(open_page, make_run, manager, acts):
    run = make_run("stopped", by="Bo", stopped_by="Cy")
    app = open_page(TRAIN, run=run.id)
    shown = words(app)
    assert "Stopped by Cy after epoch 3 of 8" in shown
    assert "Delete it anyway?" in shown
    app.button("resume").click().run()
    assert acts == [("resume", run.id, "Ada")]
    app.button("remove-for-good").click().run()
    assert manager.asked == [("remove", run.id)]


def test_the_overview_names_others_and_shows_the_queue_in_its_order(open_page, make_run):
    mine = [make_run("queued", by="Ada") for _ in range(2)]
    bos = make_run("queued", by="Bo")
    ended = make_run("finished", by="Cy")
    app = open_page()
    links = [link for link in app.get("page_link") if "run=" in link.proto.query_string]
    shown = {link.proto.query_string.removeprefix("run="): str(link.proto.label).replace("\\", "") for link in links}
    assert list(shown) == [mine[0].id, bos.id, mine[1].id, ended.id]
    assert shown[bos.id].endswith(":gray[· Bo]")
    assert ":gray[· Cy ·" in shown[ended.id]
    assert "Ada" not in "".join(shown.values())


def test_anothers_run_is_turned_after_a_question(open_page, make_run):
    run = make_run("running", by="Bo")
    with run.hold():
        app = open_page(TRAIN, run=run.id)
        app.session_state[f"turn-open-{run.id}"] = True
        app.run()
        assert "anyway?" not in words(app).replace("Stop it anyway?", "")  # there is nothing to apply yet
        app.slider(key=f"turn-{run.id}-model.dropout-0").set_value(0.5).run()
        assert "Change it anyway?" in words(app)
        app.button("turn-apply").click().run()
    wish = json.loads((run.path / "overrides.jsonl").read_text())
    assert (wish["by"], wish["who"]) == ("page", "Ada")


def test_a_new_run_is_the_visitors(open_page, dataset, workspace):
    app = open_page(TRAIN)
    next(button for button in app.button if button.label == "Start").click().run()
    (run,) = list_runs(workspace)
    assert run.status().by == "Ada"


def test_a_cross_validation_of_anothers(open_page, workspace, dataset, acts, monkeypatch):
    from labcore.datasets import folds

    config = RunConfig().replace({"data.dataset": "small", "audio.sample_rate": 8000})
    monkeypatch.setattr(folds, "official_folds", lambda dataset: ["1", "2"])
    experiment = CrossValidation.create(workspace, config, by="Bo")
    assert {run.status().by for run in experiment.runs()} == {"Bo"}
    app = open_page("pages/crossval.py", crossval=experiment.id)
    shown = words(app)
    assert "Started by] **Bo**" in shown
    assert shown.count("Stop it anyway?") == 3
    app.button("crossval-stop-official-1").click().run()
    assert acts == [("stop", experiment.members()["1"].id, "Ada")]
    app.button("crossval-stop").click().run()
    assert acts[1:] == [("stop", experiment.id, "Ada")]
    assert any(option.endswith("· Bo") for option in app.selectbox("crossval-choice").options)


def test_a_search_of_anothers(open_page, workspace, dataset, acts):
    config = RunConfig().replace({"data.dataset": "small", "audio.sample_rate": 8000})
    settings = make_settings(workspace, config, (Range("model.dropout", 0.0, 0.6),), trials=4)
    search = Search.create(workspace, settings, queued=True, by="Bo")
    search.append(search.started())
    with search.hold():
        app = open_page("pages/tune.py", search=search.id)
        assert "**Bo** started this. Stop it anyway?" in words(app)
        app.button("search-stop").click().run()
        assert acts == [("stop", search.id, "Ada")]
    search.append(search.finished("stopped"))
    assert search.report().by == "Bo"
    app = open_page("pages/tune.py", search=search.id)
    assert "Resume it anyway?" in words(app)
    assert any(option.endswith("· Bo") for option in app.selectbox("search-choice").options)


def test_a_benchmark_of_anothers_names_them_here_and_not_in_the_file(open_page, workspace, manager):
    benchmark = Benchmark.create(workspace, quick_plan(["cpu"]), queued=True, by="Bo")
    assert benchmark.report().by == "Bo"
    assert "Bo" not in benchmark.report().to_json()
    app = open_page("pages/benchmark.py")
    shown = words(app)
    assert "requested by Bo" in shown
    assert "Stop it anyway?" in shown
    app.button(f"stop-{benchmark.id}").click().run()
    assert manager.asked == [("stop", benchmark.id)]


def test_an_estimate_of_another_is_neither_shown_nor_in_the_way(open_page, dataset, workspace, monkeypatch):
    from ui.forms import fields

    config = RunConfig().replace({"data.dataset": "small"})
    monkeypatch.setattr(fields, "config", lambda: config)
    mine, others = (EstimateJob.create(workspace, config, queued=True, by=name) for name in ("Ada", "Bo"))
    mine.append(
        Estimate(
            seconds_per_epoch=2.0, seconds_total=50.0, batch_size=32, micro_batch=32, peak_bytes=10**9, memory_bytes=10**10,
            largest_batch=None, steps_timed=5,
        )
    )  # fmt: skip
    mine.append(mine.finished("finished"))
    app = open_page(TRAIN)
    assert "estimated from 5 steps" in words(app)
    assert not app.button(key="estimate-start").disabled
    assert others.status().state == "queued"
