"""The share of held-out clips of a class that are still found above a threshold."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from labcore import calibration
from labcore.alarms.job import Listening
from labcore.errors import RunError
from labcore.evaluation.calibration import tempered
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.intervals import ByRecording, effective_clips, wilson_interval
from labcore.evaluation.paired import KEY
from labcore.runs import Run
from labcore.runs.origin import EXPERIMENT
from labcore.texts import counted


@dataclass(frozen=True)
class Recall:
    """What is needed to tell it.

    Attributes:
        clips: class → how many held-out clips there are of it.
        scores: class → (found,) sorted probabilities of those that were predicted as it.
        source: which clips these are, in words; "" where there are none.
        trouble: why there are none.
        found_at: class → (clips,) the probability up to which each is found, -1 where it is not at any, and the recording of each.
    """

    clips: dict[str, int]
    scores: dict[str, np.ndarray]
    source: str = ""
    trouble: str = ""
    found_at: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def found(self, label: str, threshold: float) -> tuple[int, int]:
        """How many clips of a class are found at a threshold, and of how many."""
        scores = self.scores.get(label, np.zeros(0))
        return int(len(scores) - np.searchsorted(scores, threshold, "left")), self.clips.get(label, 0)

    def share(self, label: str, threshold: float) -> tuple[float, float, float] | None:
        """The same as a share with its 95 % Wilson interval, by the effective number of clips; None without clips of it."""
        hits, clips = self.found(label, threshold)
        if not clips:
            return None
        upto, recordings = self.found_at[label]
        by_recording = ByRecording.of((upto >= threshold).tolist(), recordings.tolist())
        return hits / clips, *wilson_interval(hits, clips, effective_clips(hits, clips, by_recording))


def recall_of(run: Run, listening: Listening) -> Recall:
    """That of a run: of the held-out clips of all folds of its cross-validation, each predicted by the network that was not trained on
    it; else of its own. Probabilities and refusals are those that the recordings were heard with.

    Where sounds are refused as unknown only the run's own clips tell: what is unlike the training clips differs from fold to fold.
    """
    if not run.there:
        return Recall({}, {}, trouble="weights without their run have no held-out clips to tell the recall of")
    try:
        predictions, source = _held_out(run, alone=listening.refusal > 0)
        known = predictions.chosen(predictions.targets >= 0)
        shares = (
            known.probabilities if listening.temperature == 1 else tempered(known.probabilities, listening.temperature)
        )
        right = shares.argmax(1) == known.targets
        if listening.refusal > 0 and len(known):
            right &= ~_refused(run, known)
    except RunError as error:
        return Recall({}, {}, trouble=str(error))
    found_at = np.where(right, shares.max(1) if len(known) else np.zeros(0), -1.0)
    return _by_class(known.labels, known.targets, found_at, known.groups, source)


def _by_class(
    labels: Sequence[str], targets: np.ndarray, found_at: np.ndarray, recordings: np.ndarray, source: str
) -> Recall:
    """Of (clips,) each."""
    of_class = {label: targets == number for number, label in enumerate(labels)}
    return Recall(
        {label: int(own.sum()) for label, own in of_class.items()},
        {label: np.sort(found_at[own & (found_at >= 0)]) for label, own in of_class.items()},
        source,
        found_at={label: (found_at[own], recordings[own]) for label, own in of_class.items()},
    )


def _held_out(run: Run, *, alone: bool) -> tuple[ClipPredictions, str]:
    if not run.predictions.is_file():
        raise RunError(f"run {run.id} kept no predictions of held-out clips", "Train it again to have the recall")
    files = [run.predictions]
    if not alone and run.load(EXPERIMENT, {}):
        with contextlib.suppress(RunError):  # its own clips are left
            files += [other.predictions for other in calibration.other_folds(run)]
    predictions = ClipPredictions.read(files)
    once = ~predictions.frame.duplicated(subset=KEY).to_numpy(dtype=bool)
    predictions = predictions.chosen(once)
    if len(files) > 1:
        return (
            predictions,
            f"{counted(len(predictions), 'out-of-fold clip')} of {len(files)} folds of its cross-validation",
        )
    return predictions, f"{counted(len(predictions), 'held-out clip')} of the run"


def _refused(run: Run, predictions: ClipPredictions) -> np.ndarray:
    """Which clips the run refuses: (clips,) bool."""
    from labcore.inference.unknown import Unknown
    from labcore.keeping import kept

    unknown = kept(run, Unknown)
    if unknown is None:
        raise RunError("the weights refuse nothing any more", "Measure the false alarms again")
    refused: np.ndarray = unknown.scores(predictions.embeddings) > unknown.threshold.value
    return refused
