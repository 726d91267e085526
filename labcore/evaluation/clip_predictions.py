"""Predictions for clips as arrays: what every figure of a run, its mistakes and every comparison are worked out from. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from labcore.datasets.by_time import recordings_of
from labcore.errors import RunError
from labcore.evaluation.predictions import EMBEDDING, class_columns, read_predictions


@dataclass(frozen=True)
class PredictionTable:
    """What one or several classifiers of the same classes said of clips, a row a clip.

    Attributes:
        frame: the rows of ``predictions.parquet``: clip, start_s, end_s, group, fold, label, a column a class, embedding.
        labels: the classes, in the order of their columns.
    """

    frame: pd.DataFrame
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(clips, classes) float64."""
        return self.frame[class_columns(self.labels)].to_numpy(dtype=np.float64)

    @property
    def groups(self) -> np.ndarray:
        """(clips,) the recording that each clip is of, as text; one that was parted by time is one."""
        return recordings_of(self.frame["group"])


@dataclass(frozen=True)
class ClipPredictions(PredictionTable):
    """Those of classifiers of one label a clip."""

    @classmethod
    def read(cls, paths: Iterable[Path]) -> ClipPredictions:
        """Those of one file, or of several one after the other: the folds of a cross-validation.

        Raises:
            RunError: a file is not there or cannot be read, or they are of different classes, or of several labels a clip.
        """
        frame = read_predictions(paths)
        if "several_labels" in frame.attrs:
            raise RunError(
                "these predictions are of several labels a clip, and this needs predictions of one",
                "See the average precision of each label, and the clips that it was missed in or said of wrongly",
            )
        return cls(frame, tuple(frame.attrs.pop("labels")))  # pandas would copy them with each column that is taken

    @property
    def targets(self) -> np.ndarray:
        """(clips,) the number of the true class of each; -1 where the classifier does not know it."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        return np.array([numbers.get(label, -1) for label in self.frame["label"]], dtype=np.int64)

    @property
    def predicted(self) -> np.ndarray:
        """(clips,) the number of the most probable class of each."""
        return self.probabilities.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """(clips,) the probability of the predicted class."""
        return self.probabilities.max(1)

    @property
    def embeddings(self) -> np.ndarray:
        """(clips, width) float32.

        Raises:
            RunError: the network has no last layer, so none were kept.
        """
        if not len(self) or self.frame[EMBEDDING].isna().any():
            raise RunError(
                "there are no embeddings in these predictions", "Train a network that has a last linear layer"
            )
        return np.stack(self.frame[EMBEDDING].to_list()).astype(np.float32)

    def chosen(self, rows: np.ndarray) -> ClipPredictions:
        """Some of the clips, by number or by a mask."""
        return ClipPredictions(
            self.frame.iloc[np.flatnonzero(rows) if rows.dtype == bool else rows].reset_index(drop=True), self.labels
        )
