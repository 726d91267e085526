"""The clips of classes that a run excluded, as its network takes them: sounds that it cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.datasets.store import open_store
from labcore.errors import DatasetError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.jobs.following import OnProgress
from labcore.runs import Run

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier


def excluded_clips(run: Run, progress: OnProgress = lambda done, total: None) -> ClipPredictions:
    """Predictions with embeddings for the clips of the test fold whose classes a run excluded.

    Args:
        progress: called with windows done and windows in all. What it raises ends the work.

    Raises:
        RunError: the run has no weights.
        DatasetError: its data set is gone, or the test fold has no such clips.
    """
    from labcore.evaluation.work import with_room

    return with_room(run.path, lambda classifier: _predicted(run, classifier, progress))


def _predicted(run: Run, classifier: Classifier, progress: OnProgress) -> ClipPredictions:
    from labcore.evaluation.eval_set import EvalSet
    from labcore.evaluation.predictions import frame_of, known_of
    from labcore.inference.resident_clips import waveform_cache

    data = run.config.data
    dataset = dataset_of(run, run.workspace, data.dataset)
    store = open_store(run.workspace, dataset, classifier.sample_rate)
    parts = split_for(store.table, data)
    if not len(parts.excluded):
        raise DatasetError(
            f"test fold {parts.fold} has no clips of classes that run {run.id} excluded", "Choose others"
        )
    known = known_of(store.table, parts.excluded, dataset.folder, data.split)
    windows = EvalSet(classifier, waveform_cache(store, classifier.device), parts.excluded).parts(progress)
    return ClipPredictions(
        frame_of(known, classifier.labels, store.sample_rate, windows, classifier.task), tuple(classifier.labels)
    )
