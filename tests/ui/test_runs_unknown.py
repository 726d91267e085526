"""The tab "Unknown sounds" of a run: the threshold, its fit and its switch, and the test with hidden classes."""

import numpy as np
import pytest

from labcore import calibration, keeping, unknowns
from labcore.errors import RunError
from labcore.evaluation.jobs import Evaluation
from labcore.hidden.job import HiddenClasses
from labcore.inference.unknown import Unknown
from labcore.jobs.status import JobStatus
from tests.hiding import hidden_test
from tests.judged import LABELS, drawn, finished_run
from ui.runs import hidden

PAGE = "pages/runs.py"


def texts(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.code])


@pytest.fixture
def run(workspace, make_classifier, monkeypatch):
    made = finished_run(workspace, drawn(4))
    make_classifier(labels=LABELS).save(made.weights)
    hidden._hideable.clear()
    monkeypatch.setattr(hidden, "hideable", lambda run: {"cat": "", "dog": "", "owl": "it has no clips in test fold 1"})
    return made


def a_threshold(share: float = 0.1) -> Unknown:
    return Unknown.of(np.ones((4, 2)), np.zeros((2, 2))).fitted(np.arange(30.0), share, "30 clips")


def test_a_run_without_clips_to_fit_on_says_so(open_page, run):
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    assert not app.exception
    assert "no clips to fit anything on" in texts(app).replace("\\", "")
    assert not [button for button in app.button if button.key == "unknown-fit"]


def test_a_press_fits_a_threshold_and_switches_it_on(open_page, run, monkeypatch):
    asked = []

    def fit(run, refused, progress):
        asked.append(refused)
        progress(1, 2)
        return a_threshold(refused)

    monkeypatch.setattr(unknowns, "to_evaluate", lambda run: False)
    monkeypatch.setattr(unknowns, "fit", fit)
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    app.number_input(key=f"unknown-share-{run.id}").set_value(20.0).run()
    app.get_by_key("unknown-fit").click().run()
    app.run()
    assert not app.exception
    assert asked == [0.2]
    assert "The run **answers**" in texts(app)
    assert app.metric[0].value == "20.0 %"
    app.get_by_key("unknown-switch").click().run()
    assert not app.exception
    assert not keeping.kept(run, Unknown).threshold.on
    assert "**does not answer**" in texts(app)
    asked = {f"unknown-share-{run.id}": "7"}  # as after a reload
    app = open_page(PAGE, run=run.id, tab="Unknown sounds", **asked)
    assert app.number_input(key=f"unknown-share-{run.id}").value == 7.0


def test_what_a_fit_fails_of_is_told(open_page, run, monkeypatch):
    def fit(run, refused, progress):
        raise RunError("there are no embeddings", "Train another network")

    monkeypatch.setattr(unknowns, "to_evaluate", lambda run: False)
    monkeypatch.setattr(unknowns, "fit", fit)
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    app.get_by_key("unknown-fit").click().run()
    assert not app.exception
    assert "there are no embeddings" in "\n".join(each.value for each in app.error).lower()
    assert keeping.kept(run, Unknown) is None


def test_validation_clips_are_evaluated_first(open_page, run, monkeypatch, manager):
    monkeypatch.setattr(unknowns, "to_evaluate", lambda run: True)
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    app.get_by_key("unknown-fit").click().run()
    assert not app.exception
    (job,) = Evaluation.of_run(run)
    assert job.plan == calibration.validation_plan(run)


def test_the_cost_is_told_before_classes_are_hidden(open_page, run, monkeypatch):
    monkeypatch.setattr(hidden, "gpu_count", lambda: 0)
    started = []
    monkeypatch.setattr(hidden.services, "ask_for", lambda *asked: started.append(asked))
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    assert not app.exception
    assert "Trains 2 runs, which wait in the queue: about 2 min of training; this run took 1 min." in texts(app)
    assert "Cannot be hidden: owl: it has no clips in test fold 1" in texts(app)
    app.multiselect(key=f"hidden-classes-{run.id}").set_value(["dog"]).run()
    assert "Trains 1 run" in texts(app)
    assert open_page(PAGE, **app.query_params).multiselect(key=f"hidden-classes-{run.id}").value == ["dog"]
    app.get_by_key("hidden-start").click().run()
    assert started == [(HiddenClasses, run, ("dog",), 0.05)]


def test_the_result_of_the_newest_test_and_its_own_page(open_page, run):
    test = hidden_test(run, {"dog": 0.9, "owl": 0.5})
    app = open_page(PAGE, run=run.id, tab="Unknown sounds")
    assert not app.exception
    values = {metric.label: metric.value for metric in app.metric}
    assert values == {"Mean AUROC": "0.700", "Noticed": "25.0 %", "Known clips refused": "5.0 %", "Classes": "2 of 2"}
    table = app.dataframe[0].value
    assert list(table["class"]) == ["dog", "owl"]
    assert list(table["predicted_as"]) == ["cat 2, owl 1"] * 2
    app = open_page(PAGE, hidden=test.id)
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric}["Mean AUROC"] == "0.700"
    app = open_page(PAGE)
    assert not app.exception
    app = open_page(PAGE, hidden="20260101-000000-gone-0000")
    assert "There is no hidden-class test" in app.error[0].value.replace("\\", "")


def test_one_that_was_stopped_can_be_resumed(open_page, run, monkeypatch):
    test = hidden_test(run, {"dog": 0.9})
    monkeypatch.setattr(HiddenClasses, "status", lambda self, story=None: JobStatus("stopped"))
    app = open_page(PAGE, hidden=test.id)
    assert not app.exception
    assert app.get_by_key("hidden-resume")
