"""Fitting what a run refuses as none of its classes, on clips that no figure is reported of, and keeping it in its weights.

The threshold lies where the wanted share of clips of known classes would be refused. Of a fold of a cross-validation these clips are those
that the other folds held out, each scored by the network that did not hear its recording, against the clips that network was trained on.
Of any other run they are its validation clips. The clips of its test fold are never among them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labcore import calibration
from labcore.audio import dequantise, quantise
from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.refusal import REFUSED, require_share
from labcore.evaluation.training_clips import training_clips
from labcore.inference.unknown import MOST_ROWS, Unknown, reference_sounds
from labcore.jobs.following import OnProgress
from labcore.runs import Run
from labcore.task.of_file import require_one_label
from labcore.texts import counted

BATCH = 16
"""Reference sounds that a network is given at a time."""

STEP = 1000
"""Of the progress of a fit: the clips of one network."""

INSTEAD = "A sound without any of the labels has none that reaches its threshold"
"""What serves the same end where clips have several labels."""


@dataclass(frozen=True)
class RefusalEffect:
    """What a threshold does on a run's test clips, on which it was not fitted: so many clips, and so many of them refused."""

    clips: int
    refused: int


def fit(run: Run, refused: float = REFUSED, progress: OnProgress = lambda done, total: None) -> Unknown:
    """What a run refuses, switched on; nothing is written.

    Args:
        refused: the wanted share of wrongly refused clips, from 0 to 0.5.
        progress: called with how much is done, and of how much. What it raises ends the work.

    Raises:
        ConfigError: no such share.
        RunError: there are no clips to fit it on, or the network has no embeddings.
        DatasetError: the data set of the run, or of another fold, is gone.
    """
    require_share(refused)
    scores, sources, held_out = [], [], list(_held_out(run))
    steps = len(held_out) + 1

    def step(number: int) -> OnProgress:
        return lambda done, total: progress(number * STEP + STEP * done // max(1, total), steps * STEP)

    for number, (other, known, source) in enumerate(held_out):
        scores.append(compared(other, step(number)).scores(known.embeddings))
        sources.append(source)
    together = np.concatenate(scores)
    if len(together) < calibration.FEWEST:
        raise RunError(
            f"a threshold cannot be fitted on {counted(len(together), 'clip')}",
            f"It takes {calibration.FEWEST} at least",
        )
    told = sources[0] if len(sources) == 1 else f"{counted(len(together), 'clip')} of {len(sources)} other folds"
    return compared(run, step(len(held_out))).fitted(together, refused, told)


def compared(run: Run, progress: OnProgress = lambda done, total: None) -> Unknown:
    """The embeddings that a run's sounds are compared with: of its training clips, and of the reference sounds.

    Args:
        progress: as for :func:`labcore.evaluation.training_clips.training_clips`.

    Raises:
        RunError: there are no weights, or no embeddings.
        DatasetError: its data set is gone.
    """
    from labcore.evaluation.work import loaded

    require_one_label(run, "Refusing unknown sounds", INSTEAD)
    clips = training_clips(run, run.workspace, progress).embeddings
    if len(clips) > MOST_ROWS:
        clips = clips[np.sort(np.random.default_rng(0).permutation(len(clips))[:MOST_ROWS])]
    classifier = loaded(run.path).eval()
    sounds = np.stack(  # with the steps of 16 bits, as every clip has them
        [
            dequantise(*quantise(sound))
            for sound in reference_sounds(classifier.config.clip_samples, classifier.sample_rate)
        ]
    )
    parts = [sounds[first : first + BATCH] for first in range(0, len(sounds), BATCH)]
    return Unknown.of(clips, np.concatenate([classifier.predict_with_embeddings(part)[1] for part in parts]))


def effect(run: Run, unknown: Unknown) -> RefusalEffect | None:
    """What it does on a run's test clips; None where there are no predictions for them.

    Raises:
        RunError: they cannot be read.
    """
    if not run.predictions.is_file():
        return None
    predictions = ClipPredictions.read([run.predictions])
    if not len(predictions):
        return None
    refused = unknown.scores(predictions.embeddings) > unknown.threshold.value
    return RefusalEffect(len(predictions), int(refused.sum()))


def to_evaluate(run: Run) -> bool:
    """Whether the threshold is fitted on validation clips that are not evaluated yet (:func:`labcore.calibration.validation_plan`).

    Raises:
        RunError: there are no clips to fit it on.
    """
    require_one_label(run, "Refusing unknown sounds", INSTEAD)
    with contextlib.suppress(RunError):
        return not calibration.other_folds(run)
    return calibration.clips_for(run) is None


def _held_out(run: Run) -> Iterator[tuple[Run, ClipPredictions, str]]:
    """Networks with clips of known classes that they were not trained on, and a sentence part on these."""
    try:
        siblings = calibration.other_folds(run)
    except RunError:
        clips = calibration.clips_for(run)
        if clips is None:
            raise RunError(
                "the validation clips of the run are not evaluated yet", "Evaluate them, then fit again"
            ) from None
        yield run, clips.predictions, clips.source
        return
    for other in siblings:
        predictions = ClipPredictions.read([other.predictions])
        yield other, predictions.chosen(predictions.targets >= 0), "the other fold of its cross-validation"
