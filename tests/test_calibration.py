"""Which clips a run's temperature is fitted on: those of other folds, else its validation clips, never those of its test fold."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from labcore import calibration, keeping
from labcore.config import RunConfig
from labcore.errors import RunError
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.metrics import score
from labcore.export import export_zip
from labcore.inference.classifier import Classifier
from labcore.inference.temperature import Temperature
from labcore.runs import Run
from tests.judged import crossval_of, drawn, finished_run, judged, sure, write


def fold(workspace, number: int, clips: int = 30):
    """Predictions for clips of one fold, named after it."""
    said = drawn(clips, seed=number)
    names = [f"{number}-{clip}.wav" for clip in range(clips)]
    return judged(list(said.frame["label"]), said.probabilities, names=names, fold=str(number))


@pytest.fixture
def folds(workspace):
    """The three runs of a cross-validation with a clip that two of them judged."""
    config = RunConfig().replace({"data.dataset": "made"})
    runs = []
    for number in range(3):
        run = Run.create(workspace, config.replace({"data.fold": str(number)}))
        said = fold(workspace, number)
        said.frame.loc[0, "clip"] = "shared.wav"
        write(run, said)
        runs.append(run)
    crossval_of(runs)
    return runs


def test_a_fold_is_calibrated_on_the_clips_of_the_others(folds):
    clips = calibration.clips_for(folds[0])
    assert clips is not None
    assert set(clips.predictions.frame["fold"]) == {"1", "2"}
    assert "shared.wav" not in set(clips.predictions.frame["clip"])
    assert clips.source == "58 out-of-fold clips of 2 other folds of its cross-validation"
    assert calibration.fitted(clips).clips == 58


def test_folds_that_are_not_there_yet(folds):
    for run in folds[1:]:
        run.predictions.unlink()
    with pytest.raises(RunError, match="no other fold"):
        calibration.clips_for(folds[0])


def test_a_run_by_itself_has_nothing_unless_it_set_clips_aside(workspace):
    run = finished_run(workspace, drawn(30))
    with pytest.raises(
        RunError, match=r"no fold of a cross-validation and set no clips aside.*test fold is never used"
    ):
        calibration.clips_for(run)


def test_validation_clips_once_they_are_judged(workspace):
    run = finished_run(workspace, drawn(30), {"data.validation_share": 0.2})
    assert calibration.clips_for(run) is None
    plain = Evaluation.create(workspace, calibration.validation_plan(run).model_copy(update={"part": "test"}))
    job = Evaluation.create(workspace, calibration.validation_plan(run))
    said = drawn(30, seed=3)
    for each in (plain, job):
        write(each, said)
        each.append(score(said.predicted, said.targets, list(said.labels)))
    assert calibration.validation_evaluation(run) == job
    clips = calibration.clips_for(run)
    assert clips is not None
    assert clips.source == "30 validation clips of the run"


def test_a_fold_without_others_takes_its_validation_clips(folds):
    for run in folds[1:]:
        run.predictions.unlink()
    folds[0].save_config(folds[0].config.replace({"data.validation_share": 0.2}))
    assert calibration.clips_for(folds[0]) is None  # they are still to be evaluated


def test_an_ensemble_has_validation_clips_where_no_member_was_trained_on_them(workspace):
    same, other, none = (
        finished_run(workspace, drawn(30), {"data.validation_share": share}) for share in (0.2, 0.3, 0.0)
    )
    for members, fits in (([same, same], True), ([same, other], False), ([same, none], False)):
        run = finished_run(workspace, drawn(30), {"data.validation_share": 0.2})
        run.save("ensemble", {"members": [{"run": each.id} for each in members]})
        if fits:
            assert calibration.clips_for(run) is None
        else:
            with pytest.raises(RunError, match="no clips to fit anything on"):
                calibration.clips_for(run)


def test_a_few_clips_are_no_ground(workspace):
    run = finished_run(workspace, drawn(30), {"data.validation_share": 0.2})
    job = Evaluation.create(workspace, calibration.validation_plan(run))
    said = judged(["cat"] * 5, sure(["cat"] * 5))
    write(job, said)
    job.append(score(said.predicted, said.targets, list(said.labels)))
    with pytest.raises(RunError, match=r"cannot be fitted on 5 clips. It takes 20"):
        calibration.clips_for(run)


def test_kept_in_the_weights_and_switched(make_run):
    run = make_run()
    with pytest.raises(RunError, match="has no temperature"):
        keeping.switch(run, Temperature, True)
    keeping.keep(run, Temperature(value=2.0, clips=9, source="9 clips"))
    assert Classifier.load(run.path).temperature == Temperature(value=2.0, clips=9, source="9 clips")
    with zipfile.ZipFile(io.BytesIO(export_zip(run))) as archive:
        note = archive.read(f"{run.id}/README.txt").decode()
    assert "Its probabilities are calibrated. Temperature 2, fitted on 9 clips." in note
    assert not keeping.switch(run, Temperature, False).on
    assert Temperature.of_file(run.weights) == Temperature(value=2.0, clips=9, source="9 clips", on=False)


def test_its_effect_is_told_on_the_test_clips(workspace):
    run = finished_run(workspace, drawn(200, sharpness=4))
    told = calibration.effect(run, Temperature(value=4.0))
    assert told is not None
    assert told.clips == 200
    assert told.tempered is not None
    assert told.without is not None
    assert told.tempered < told.without
    assert np.isfinite(told.without)
