"""The temperature of a run's probabilities: fitted on clips that no figure is reported of, and kept in its weights.

Of a fold of a cross-validation these are the clips of the other folds, each judged by a network that was not trained on its recording; of
any other run the clips that it set aside for validation. The clips of its test fold are never among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labcore.crossval.job import CrossValidation
from labcore.errors import LabError, RunError
from labcore.evaluation.calibration import fit_temperature, reliability, tempered
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.jobs import Evaluation, EvaluationPlan
from labcore.evaluation.paired import KEY
from labcore.inference.temperature import Temperature
from labcore.runs import Run
from labcore.runs.origin import EXPERIMENT, ensemble_members
from labcore.task.of_file import require_one_label
from labcore.texts import counted

FEWEST = 20
"""On fewer clips a temperature is a guess."""


@dataclass(frozen=True)
class CalibrationClips:
    """Clips to fit a temperature on, and a sentence part that says what they are."""

    predictions: ClipPredictions
    source: str


def clips_for(run: Run) -> CalibrationClips | None:
    """The clips that a run's temperature may be fitted on; None where its validation clips are not evaluated yet
    (:func:`validation_plan`).

    Raises:
        RunError: there are none.
    """
    require_one_label(run, "A temperature", "Each label has a threshold of its own: train with a validation share")
    set_aside = _set_aside(run)
    if run.load(EXPERIMENT, {}):
        try:
            return _out_of_fold(run)
        except RunError:
            if not set_aside:
                raise
    if not set_aside:
        raise RunError(
            "there are no clips to fit anything on: the run is no fold of a cross-validation and set no clips aside",
            "Train with a validation share, or run a cross-validation. The test fold is never used for it",
        )
    job = validation_evaluation(run)
    if job is None:
        return None
    predictions = _known(ClipPredictions.read([job.predictions]))
    return CalibrationClips(_enough(predictions), f"{counted(len(predictions), 'validation clip')} of the run")


def validation_plan(run: Run) -> EvaluationPlan:
    """The evaluation that a temperature is fitted on where none has been made yet."""
    return EvaluationPlan(run=run.id, part="validation")


def validation_evaluation(run: Run) -> Evaluation | None:
    """The newest finished evaluation of a run's validation clips."""
    for job in Evaluation.of_run(run):
        if (
            job.load("evaluation", {}).get("part") == "validation"
            and job.result is not None
            and job.predictions.is_file()
        ):
            return job
    return None


def fitted(clips: CalibrationClips) -> Temperature:
    """The temperature that fits the clips, switched on."""
    value = fit_temperature(clips.predictions.probabilities, clips.predictions.targets)
    return Temperature(value=value, clips=len(clips.predictions), source=clips.source)


@dataclass(frozen=True)
class CalibrationEffect:
    """Expected calibration error of a run's test clips without and with a temperature, from 0 to 1."""

    clips: int
    without: float | None
    tempered: float | None


def effect(run: Run, temperature: Temperature) -> CalibrationEffect | None:
    """What a temperature does on a run's test clips, on which it was not fitted; None where there are no predictions for them.

    Raises:
        RunError: they cannot be read.
    """
    if not run.predictions.is_file():
        return None
    predictions = _known(ClipPredictions.read([run.predictions]))
    right = predictions.predicted == predictions.targets
    sure = (
        tempered(predictions.probabilities, temperature.value).max(axis=1)
        if len(predictions)
        else predictions.confidence
    )
    return CalibrationEffect(
        len(predictions), reliability(predictions.confidence, right).error, reliability(sure, right).error
    )


def _set_aside(run: Run) -> bool:
    """Whether a run set clips aside for validation; an ensemble, whether all its members set the same ones aside."""
    return len(shares := _validation_shares(run)) == 1 and 0 not in shares


def _validation_shares(run: Run) -> set[float]:
    """The validation share of a run, or those of an ensemble's members; 0 of a member that is gone: nobody knows what it was trained on."""
    if not (members := [Run(run.workspace.runs / name) for name in ensemble_members(run)]):
        return {run.config.data.validation_share}
    return set().union(*(_validation_shares(each) if each.there else {0.0} for each in members))


def other_folds(run: Run) -> list[Run]:
    """The other folds of a run's cross-validation that have predictions.

    Raises:
        RunError: there are none, or it is no fold of one.
    """
    mark = run.load(EXPERIMENT, {})
    whole = "Finish the other folds of the cross-validation first"
    try:
        parent = CrossValidation.open(run.workspace, str(mark.get("experiment", "")))
        siblings = [each for each in parent.members(str(mark.get("split", "official"))).values() if each.id != run.id]
    except LabError as error:
        raise RunError(f"the cross-validation of run {run.id} cannot be read: {error.what}", whole) from error
    done = [each for each in siblings if each.predictions.is_file()]
    if not done:
        raise RunError("no other fold of its cross-validation has predictions yet", whole)
    return done


def _out_of_fold(run: Run) -> CalibrationClips:
    """The clips of the other folds of a run's cross-validation, without any that its own test fold holds."""
    files = [each.predictions for each in other_folds(run)]
    predictions = _known(ClipPredictions.read(files))
    own = set(ClipPredictions.read([run.predictions]).frame[KEY].itertuples(index=False, name=None))
    apart = [key not in own for key in predictions.frame[KEY].itertuples(index=False, name=None)]
    predictions = _enough(predictions.chosen(np.array(apart, dtype=bool)))
    told = f"{counted(len(predictions), 'out-of-fold clip')} of {counted(len(files), 'other fold')} of its cross-validation"
    return CalibrationClips(predictions, told)


def _known(predictions: ClipPredictions) -> ClipPredictions:
    return predictions.chosen((predictions.targets >= 0) & np.isfinite(predictions.confidence))


def _enough(predictions: ClipPredictions) -> ClipPredictions:
    if len(predictions) < FEWEST:
        raise RunError(
            f"a temperature cannot be fitted on {counted(len(predictions), 'clip')}", f"It takes {FEWEST} at least"
        )
    return predictions
