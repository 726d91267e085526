"""The clips that a run, or the runs of a cross-validation, held out: what was predicted of each, by which run, and where it lies."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from labcore.crossval.job import CrossValidation
from labcore.datasets.annotations import file_of
from labcore.datasets.clip_finder import ClipFinder, FoundClip
from labcore.datasets.corrections import Corrections, by_channels
from labcore.datasets.registry import name_of
from labcore.datasets.resuming import dataset_of
from labcore.errors import LabError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.runs import Run
from ui.app import services
from ui.app.text import label_names, plain
from ui.runs.evaluation import file_stamp


@dataclass(frozen=True)
class HeldOutClips:
    """Predictions for clips.

    Attributes:
        key: of the widgets, one a subject.
        predictions: of all clips.
        runs: that they were held out from.
        run_of: (clips,) which of the runs each is of.
        changed: when the file of each run was written.
    """

    key: str
    predictions: ClipPredictions
    runs: tuple[Run, ...]
    run_of: np.ndarray
    changed: tuple[int, ...]

    def run(self, row: int) -> Run:
        """The one whose network predicted a clip."""
        return self.runs[self.run_of[row]]

    def probabilities(self, row: int) -> np.ndarray:
        """(classes,) of one clip, without those of all others."""
        return self.predictions.chosen(np.array([row])).probabilities[0]

    @cached_property
    def names(self) -> dict[str, str]:
        """Labels as they are shown."""
        return label_names(
            [*self.predictions.labels, *sorted(set(self.predictions.frame["label"]) - set(self.predictions.labels))]
        )

    def found(self, row: int) -> FoundClip:
        """Where a clip lies.

        Raises:
            DatasetError: it is gone, or the data set is.
        """
        return find(self.runs[0], self.predictions.frame, row)


def of_run(run: Run) -> HeldOutClips | None:
    """Those of a run; None where there are none, which is told."""
    if not run.predictions.is_file():
        st.info("There are no predictions yet: they are written when the run finishes.", icon=":material/info:")
        return None
    return _read(run.id, [run])


def of_crossval(experiment: CrossValidation) -> HeldOutClips | None:
    """Those of all folds of a cross-validation that are there; None where there are none, which is told."""
    members = experiment.members()
    there = [run for run in members.values() if run.predictions.is_file()]
    if not there:
        st.info("There are no predictions yet: they are written when a fold finishes.", icon=":material/info:")
        return None
    if missing := [fold for fold, run in members.items() if run not in there]:
        several = "folds" if missing[1:] else "fold"
        st.caption(f"Without {several} {plain(', '.join(missing))}, which have no predictions yet.")
    return _read(experiment.id, there)


def find(run: Run, frame: pd.DataFrame, row: int) -> FoundClip:
    """Where a clip of predictions lies in the data set of a run. ``frame`` has the rows of the predictions.

    Raises:
        DatasetError: it is gone, or the data set is.
    """
    clip = frame.iloc[row]
    return find_at(run, str(clip["clip"]), float(clip["start_s"]), float(clip["end_s"]))


def find_at(run: Run, clip: str, start_s: float, end_s: float) -> FoundClip:
    """The same by the columns ``clip``, ``start_s`` and ``end_s`` of predictions.

    Raises:
        DatasetError: as :func:`find` does.
    """
    return _finder(str(run.path), _annotated(run)).find(clip, start_s, end_s)


def _read(key: str, runs: Sequence[Run]) -> HeldOutClips:
    files = tuple(run.predictions for run in runs)
    changed = tuple(map(file_stamp, files))
    predictions, run_of = _predictions(tuple(map(str, files)), changed)
    return HeldOutClips(key, predictions, tuple(runs), run_of, changed)


@st.cache_resource(max_entries=4, show_spinner="Reading the predictions …")
def _predictions(files: tuple[str, ...], changed: tuple[int, ...]) -> tuple[ClipPredictions, np.ndarray]:
    sizes = [len(ClipPredictions.read([Path(file)])) for file in files]
    return ClipPredictions.read(map(Path, files)), np.repeat(np.arange(len(files)), sizes)


def _annotated(run: Run) -> int:
    """Changes with the annotations of the run's data set."""
    workspace = services.workspace()
    with contextlib.suppress(LabError):
        return file_stamp(file_of(workspace, name_of(workspace, run.config.data.dataset)))
    return 0


@st.cache_resource(max_entries=4, ttl=300, show_spinner="Reading the data set …")
def _finder(path: str, annotated: int) -> ClipFinder:
    run = Run(Path(path))
    dataset = dataset_of(run, services.workspace(), run.config.data.dataset)
    return ClipFinder(by_channels(dataset, Corrections.of_run(run).channels))  # as its network was given them
