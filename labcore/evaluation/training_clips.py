"""The clips that a run was trained on, as its network sees them: what a clip resembles tells what a mistake was learnt from.

``training_predictions.parquet`` lies beside ``predictions.parquet`` and is of the same form (:mod:`labcore.evaluation.predictions`). It is
made when somebody asks for it, in one pass of the run's classifier over its training clips, and again where the weights are newer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from labcore.datasets.record import ClipRecord
from labcore.datasets.resuming import dataset_of
from labcore.datasets.splits import split_for
from labcore.datasets.store import ClipStore, open_store
from labcore.datasets.table import ways_from
from labcore.errors import DatasetError, RunError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.jobs.following import OnProgress
from labcore.runs import Run
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

FILE = "training_predictions.parquet"


def known_training_clips(run: Run) -> ClipPredictions | None:
    """What was made before; None where nothing was, or it is of other weights or damaged."""
    file = run.path / FILE
    try:
        if file.stat().st_mtime_ns >= run.weights.stat().st_mtime_ns:
            return ClipPredictions.read([file])
    except (OSError, RunError):
        pass
    return None


def training_clips(
    run: Run, workspace: Workspace, progress: OnProgress = lambda done, total: None, *, device: str = "auto"
) -> ClipPredictions:
    """The training clips of a run with their embeddings, labelled as they were when it learnt from them.

    Args:
        progress: called with windows done and windows in all. What it raises ends the work and leaves nothing behind.

    Raises:
        RunError: the run has no weights.
        DatasetError: its data set is gone, or none of its training clips are there any more.
        WorkspaceError: the data set lies where this lab opens nothing, or the file cannot be written.
    """
    from labcore.evaluation.work import with_room

    if (known := known_training_clips(run)) is not None:
        return known
    with FileLock(workspace.cache / f".training-clips-{run.id}.lock"):
        if (known := known_training_clips(run)) is not None:  # somebody else made it meanwhile
            return known
        with_room(run.path, lambda classifier: _write(run, workspace, classifier, progress), device)
    return ClipPredictions.read([run.path / FILE])


def _write(run: Run, workspace: Workspace, classifier: Classifier, progress: OnProgress) -> None:
    from labcore.evaluation.eval_set import EvalSet
    from labcore.evaluation.predictions import known_of, record
    from labcore.inference.resident_clips import waveform_cache

    dataset = dataset_of(run, workspace, run.config.data.dataset)
    store = open_store(workspace, dataset, classifier.sample_rate)
    rows, labels = _trained_on(run, store, dataset.folder)
    table = store.table.copy()
    table.loc[rows, "label"] = labels
    table.loc[rows, "fold"] = "train"
    parts = EvalSet(classifier, waveform_cache(store, classifier.device), rows).parts(progress)
    known = known_of(table, rows, dataset.folder)
    _, trouble = record(run.path / FILE, known, classifier.labels, store.sample_rate, parts, classifier.task)
    if trouble is not None:
        raise trouble


def _trained_on(run: Run, store: ClipStore, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the training clips in the store, and the labels that they had then."""
    record = ClipRecord.load(run)
    if record is None:  # of a version before
        rows = np.asarray(split_for(store.table, run.config.data).train)
        return rows, store.table["label"].to_numpy(dtype=object)[rows]
    trained = {clip.key: clip.label for clip in record.clips if clip.part == "train"}
    ways = ways_from(folder, store.table["path"])
    keys = list(zip(ways, store.table["start_s"].astype(float), strict=True))
    rows = np.array([number for number, key in enumerate(keys) if key in trained], dtype=np.int64)
    if not len(rows):
        raise DatasetError(
            f"none of the clips that run {run.id} was trained on are in its data set any more", "Put its files back"
        )
    return rows, np.array([trained[keys[row]] for row in rows], dtype=object)
