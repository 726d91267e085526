"""Embeddings of the clips of a data set by the network of a run."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch

from labcore.datasets.store import open_store
from labcore.datasets.table import Dataset
from labcore.errors import DatasetError, RunError
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.work import loaded
from labcore.events import Event
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.jobs.following import OnProgress, follow
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.workspace import Workspace


def embedded(
    run: Run, workspace: Workspace, dataset: Dataset, wanted: np.ndarray, should_stop: StopTest
) -> Generator[Event, None, tuple[np.ndarray, np.ndarray]]:
    """Compute the embeddings of some clips, telling how far that is.

    Args:
        wanted: (clips,) their row numbers in the data set's table.

    Returns:
        The row numbers of those that can be read, ascending, and their embeddings (clips, width) float32.

    Raises:
        DatasetError: none of them can be read.
        RunError: the network has no last layer.
        Stopped: it was asked to stop.
    """
    classifier = loaded(run.path)
    numbered = replace(dataset, table=dataset.table.assign(number=np.arange(len(dataset.table))))
    store = yield from follow(
        "building the clip store",
        lambda progress: open_store(workspace, numbered, classifier.sample_rate, progress),
        should_stop,
    )
    there = store.table["number"].to_numpy()  # what cannot be read is not in the store
    chosen = np.flatnonzero(np.isin(there, wanted))
    if not len(chosen):
        raise DatasetError("none of the clips can be read", "Measure the clips to see why")

    def embeddings(network: Classifier, progress: OnProgress) -> np.ndarray:
        parts = EvalSet(network, waveform_cache(store, network.device), chosen).parts(progress)
        return np.concatenate([part.embeddings for part in parts]).astype(np.float32)

    def work(progress: OnProgress) -> np.ndarray:
        try:
            return embeddings(classifier, progress)
        except torch.OutOfMemoryError:  # a training may have all of the GPU's memory
            return embeddings(classifier.to("cpu"), progress)

    features = yield from follow("computing embeddings", work, should_stop, "windows")
    if not features.shape[1]:
        raise RunError(f"the network of run {run.id} has no last layer to take embeddings from", "Choose another run")
    return there[chosen], features
