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
from labcore.runs.origin import EXPERIMENT
from labcore.texts import counted

FEWEST = 20
"""On fewer clips a temperature is a guess."""


@dataclass(frozen=True)
class CalibrationClips:
    """Clips to fit a temperature on, and a sentence part that says what they are."""

    judged: ClipPredictions
    source: str


def clips_for(run: Run) -> CalibrationClips | None:
    """The clips that a run's temperature may be fitted on; None where its validation clips are still to be judged (:func:`to_judge`).

    Raises:
        RunError: there are none.
    """
    if run.load(EXPERIMENT, {}):
        return _out_of_fold(run)
    if not run.config.data.validation_share:
        raise RunError(
            "there are no clips to fit a temperature on: the run is no fold of a cross-validation and set no clips aside",
            "Train with a validation share, or run a cross-validation. The test fold is never used for it",
        )
    job = judged_validation(run)
    if job is None:
        return None
    judged = _known(ClipPredictions.read([job.predictions]))
    return CalibrationClips(_enough(judged), f"{counted(len(judged), 'validation clip')} of the run")


def to_judge(run: Run) -> EvaluationPlan:
    """The evaluation that a temperature is fitted on where none has been made yet."""
    return EvaluationPlan(run=run.id, part="validation")


def judged_validation(run: Run) -> Evaluation | None:
    """The newest finished evaluation of a run's validation clips."""
    for job in Evaluation.of_run(run):
        if (
            job.load("evaluation", {}).get("part") == "validation"
            and job.result is not None
            and job.predictions.is_file()
        ):
            return job
    return None


def fitted(run: Run, clips: CalibrationClips) -> Temperature:
    """The temperature that fits the clips, switched on."""
    value = fit_temperature(clips.judged.probabilities, clips.judged.targets)
    return Temperature(value=value, clips=len(clips.judged), source=clips.source)


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
    judged = _known(ClipPredictions.read([run.predictions]))
    right = judged.predicted == judged.targets
    sure = tempered(judged.probabilities, temperature.value).max(axis=1) if len(judged) else judged.confidence
    return CalibrationEffect(len(judged), reliability(judged.confidence, right).error, reliability(sure, right).error)


def keep(run: Run, temperature: Temperature | None) -> None:
    """Write a temperature into a run's weights, or take it away. Nothing else in them changes.

    Raises:
        RunError: there are no weights, or they cannot be read.
        WorkspaceError: the disk is full or the directory is gone.
    """
    from labcore.inference.classifier import Classifier

    classifier = Classifier.load(run.path)
    classifier.temperature = temperature
    classifier.save(run.weights)


def switch(run: Run, on: bool) -> Temperature:
    """Have a run's temperature applied, or not.

    Raises:
        RunError: it has none, or its weights cannot be read.
    """
    there = Temperature.of_file(run.weights)
    if there is None:
        raise RunError(f"run {run.id} has no temperature", "Fit one first")
    changed = there.model_copy(update={"on": on})
    if changed != there:
        keep(run, changed)
    return changed


def _out_of_fold(run: Run) -> CalibrationClips:
    """The clips of the other folds of a run's cross-validation, without any that its own test fold holds."""
    mark = run.load(EXPERIMENT, {})
    whole = "Finish the other folds of the cross-validation first"
    try:
        parent = CrossValidation.open(run.workspace, str(mark.get("experiment", "")))
        siblings = [each for each in parent.members(str(mark.get("split", "official"))).values() if each.id != run.id]
    except LabError as error:
        raise RunError(f"the cross-validation of run {run.id} cannot be read: {error.what}", whole) from error
    files = [each.predictions for each in siblings if each.predictions.is_file()]
    if not files:
        raise RunError("no other fold of its cross-validation has predictions yet", whole)
    judged = _known(ClipPredictions.read(files))
    own = set(ClipPredictions.read([run.predictions]).frame[KEY].itertuples(index=False, name=None))
    apart = [key not in own for key in judged.frame[KEY].itertuples(index=False, name=None)]
    judged = _enough(judged.chosen(np.array(apart, dtype=bool)))
    told = f"{counted(len(judged), 'out-of-fold clip')} of {counted(len(files), 'other fold')} of its cross-validation"
    return CalibrationClips(judged, told)


def _known(judged: ClipPredictions) -> ClipPredictions:
    return judged.chosen((judged.targets >= 0) & np.isfinite(judged.confidence))


def _enough(judged: ClipPredictions) -> ClipPredictions:
    if len(judged) < FEWEST:
        raise RunError(
            f"a temperature cannot be fitted on {counted(len(judged), 'clip')}", f"It takes {FEWEST} at least"
        )
    return judged
