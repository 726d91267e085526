"""The tab Evaluation of a run and of a cross-validation."""

from __future__ import annotations

import pytest

from labcore.datasets.named_splits import keep_split, remove_split
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.metrics import score
from labcore.events import JobFinished, SettingsChanged
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.runs import Run
from tests.judged import drawn, finished_crossval, finished_run, write
from ui.components import owner_guard

PAGE = "pages/runs.py"


def metrics(app) -> dict[str, tuple[str, str]]:
    return {each.label: (each.value, each.delta) for each in app.metric}


def texts(app) -> str:
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.warning])


@pytest.fixture
def with_weights(make_classifier):
    """Gives a run weights of the classes of made-up predictions."""

    def give(run: Run) -> Run:
        classifier = make_classifier(labels=("cat", "dog", "owl"))
        classifier.save(run.weights)
        return run

    return give


@pytest.fixture
def crossval(workspace, with_weights):
    """A cross-validation of two folds, both judged."""
    experiment = finished_crossval(workspace)
    for run in experiment.runs():
        with_weights(run)
    return experiment


def test_figures_stand_with_their_intervals(open_page, workspace):
    app = open_page(PAGE, run=finished_run(workspace, drawn(90)).id, tab="Evaluation")
    assert not app.exception
    told = metrics(app)
    assert told["Accuracy"] == ("73.3 %", "63.4 – 81.4 %")
    assert set(told) == {"Accuracy", "Balanced accuracy", "Macro F1", "Average precision", "AUROC"}
    assert "On 90 clips of 45 recordings" in texts(app)
    assert list(app.dataframe[0].value["Class"]) != []
    assert "too sure" in texts(app)


def test_a_fold_is_calibrated_with_a_press_and_switched_off_with_another(open_page, crossval, workspace):
    run = crossval.members()["1"]
    app = open_page(PAGE, run=run.id, tab="Evaluation")
    app.button("calibrate-fit").click().run()
    assert not app.exception
    found = Temperature.of_file(run.weights)
    assert found is not None
    assert found.clips == 40
    assert "switched **on**, fitted on 40 out\\-of\\-fold clips of 1 other fold" in texts(app)
    assert "With the temperature: expected calibration error" in texts(app)
    app.button("calibrate-switch").click().run()
    assert "switched **off**" in texts(app)
    assert Classifier.load(run.path).temperature.on is False


def test_validation_clips_are_judged_first(open_page, workspace, with_weights):
    run = with_weights(finished_run(workspace, drawn(40), {"data.validation_share": 0.2}))
    app = open_page(PAGE, run=run.id, tab="Evaluation")
    app.button("calibrate-fit").click().run()
    (job,) = Evaluation.of_run(run)
    assert job.plan.part == "validation"
    assert Temperature.of_file(run.weights) is None
    said = drawn(40, seed=9)
    write(job, said)
    job.append(score(said.predicted, said.targets, list(said.labels)))
    job.append(JobFinished(state="finished"))
    app.run()
    assert not app.exception
    found = Temperature.of_file(run.weights)
    assert found is not None
    assert found.source == "40 validation clips of the run"


def test_a_run_with_nothing_to_fit_on_says_so(open_page, workspace, with_weights):
    run = with_weights(finished_run(workspace, drawn(40)))
    app = open_page(PAGE, run=run.id, tab="Evaluation")
    assert "There are no clips to fit anything on" in texts(app)
    assert not [each for each in app.button if each.key == "calibrate-fit"]


def test_another_persons_weights_are_left_alone_until_asked_twice(open_page, crossval, monkeypatch):
    run = crossval.members()["1"]
    monkeypatch.setattr(owner_guard, "anothers", lambda owner: True)
    app = open_page(PAGE, run=run.id, tab="Evaluation")
    assert app.button("calibrate-fit").label == "Calibrate anyway"
    assert "Fit a temperature" not in [each.label for each in app.button]


def test_the_folds_of_a_cross_validation_together(open_page, crossval):
    app = open_page(PAGE, crossval=crossval.id, tab="Evaluation")
    assert not app.exception
    assert "On 80 clips of 20 recordings" in texts(app)
    crossval.members()["2"].predictions.unlink()
    app = open_page(PAGE, crossval=crossval.id, tab="Evaluation")
    assert "Without fold 2, which have no predictions yet" in texts(app)
    assert "On 40 clips" in texts(app)


def test_folds_that_were_finished_early_are_told(open_page, crossval):
    run = crossval.members()["2"]
    run.save_config(run.config.replace({"optim.epochs": 9}))
    run.append(SettingsChanged(epoch=2, number=0, changes={"optim.epochs": 4}))
    told = texts(open_page(PAGE, crossval=crossval.id, tab="Evaluation")).replace("\\", "")
    assert "Finished early: fold 2 after 4 of 9 epochs" in told


def test_a_run_without_predictions_can_still_be_evaluated_elsewhere(open_page, trained, dataset):
    app = open_page(PAGE, run=trained.id, tab="Evaluation")
    assert "There are no predictions yet" in texts(app)
    app.button("evaluate-start").click().run()
    (job,) = Evaluation.of_run(trained)
    assert (job.plan.dataset, job.plan.fold, job.plan.label) == (None, None, None)
    box = app.selectbox("evaluate-fold-small")
    box.select(box.options[1]).run()
    assert (
        open_page(PAGE, **app.query_params).selectbox("evaluate-fold-small").value
        == app.selectbox("evaluate-fold-small").value
        != ""
    )
    app.selectbox("evaluate-dataset").select("").run()
    assert not app.exception
    assert app.text_input("evaluate-path").value == ""


@pytest.mark.parametrize("tab", ["Robustness", "Evaluation"])
def test_a_run_whose_split_was_removed_is_evaluated_on_what_it_held_out(open_page, workspace, dataset, trained, tab):
    folds = ["a", "b", "c"] * 4
    split = keep_split(workspace, "small", "mine", folds, [""] * 12, by="source")
    trained.save_config(trained.config.replace({"data.named_split": "mine", "data.fold": "b"}))
    trained.save("split", split.model_dump())
    write(trained, drawn(4))
    remove_split(workspace, "small", "mine")
    app = open_page(PAGE, run=trained.id, tab=tab)
    assert not app.exception
    assert not app.error
    fold = next(box for box in app.selectbox if box.label == "Fold")
    wanted = {"Robustness": ["a, trained on", "b, test fold", "c, trained on"],
              "Evaluation": ["test fold b", "fold a, trained on", "fold c, trained on", "all clips"]}  # fmt: skip
    assert list(fold.options) == wanted[tab]
