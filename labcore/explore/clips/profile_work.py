"""The work of a profile, see :mod:`labcore.explore.clips.profile`."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from labcore.datasets.registry import find_dataset
from labcore.datasets.store import open_store
from labcore.datasets.table import Dataset
from labcore.errors import DatasetError, RunError
from labcore.evaluation.eval_set import EvalSet
from labcore.evaluation.work import loaded
from labcore.events import Event, Log, Preparing
from labcore.explore.clips.facts import measure
from labcore.explore.clips.map import MOST, arrange, keep_map, sample
from labcore.explore.clips.profile import Profile
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.jobs.following import OnProgress, Stopped, follow
from labcore.jobs.process import StopTest
from labcore.runs import Run
from labcore.workspace import Workspace


def work(job: Profile, should_stop: StopTest) -> Generator[Event, None, None]:
    """Measure what is new or changed; for a map arrange the clips too. One that goes on does what is missing.

    Raises:
        LabError: the data set or the run cannot be read, or there are too few clips for a map.
        Stopped: it was asked to stop.
    """
    plan, workspace = job.plan, job.workspace
    dataset = find_dataset(workspace, plan.dataset)
    if plan.run:
        run = Run.open(workspace, plan.run)
        rows, features = yield from _embedded(run, workspace, dataset, should_stop)
        weights: Path | None = run.weights
    else:
        facts, mels = yield from follow(
            "measuring clips", lambda progress: measure(workspace, dataset, progress), should_stop
        )
        if unreadable := int((facts["trouble"] != "").sum()):
            yield Log(level="warning", message=f"{unreadable} of {len(facts)} clips cannot be read")
        rows = sample(len(mels))
        rows = rows[np.isfinite(mels[rows]).all(1)]
        features, weights = mels[rows], None
    if plan.map:
        yield Preparing(what="arranging the map", done=0, total=1)
        if should_stop():
            raise Stopped
        keep_map(workspace, dataset, plan.run, weights, rows, arrange(features))


def _embedded(
    run: Run, workspace: Workspace, dataset: Dataset, should_stop: StopTest
) -> Generator[Event, None, tuple[np.ndarray, np.ndarray]]:
    """The clips that the map is of, and their embeddings (clips, width) by the network of a run."""
    classifier = loaded(run.path)
    numbered = replace(dataset, table=dataset.table.assign(number=np.arange(len(dataset.table))))
    store = yield from follow(
        "building the clip store",
        lambda progress: open_store(workspace, numbered, classifier.sample_rate, progress),
        should_stop,
    )
    there = store.table["number"].to_numpy()  # what cannot be read is not in the store
    chosen = np.flatnonzero(np.isin(there, sample(len(dataset.table), MOST)))
    if not len(chosen):
        raise DatasetError("none of the clips for the map can be read", "Measure the clips to see why")

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
