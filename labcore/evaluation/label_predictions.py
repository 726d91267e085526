"""Predictions of several labels a clip as arrays: what their figures and mistakes are worked out from. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from labcore.datasets.cells import states
from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions, PredictionTable
from labcore.evaluation.label_metrics import score_labels
from labcore.evaluation.metrics import Circumstances
from labcore.evaluation.predictions import read_predictions
from labcore.events import EvaluatedLabels
from labcore.task.losses import loss_of_one, loss_of_several
from labcore.task.thresholds import LabelThresholds

KINDS = ("missed", "false alarms")
"""What can be wrong with a label of a clip."""


@dataclass(frozen=True)
class LabelPredictions(PredictionTable):
    """Those of classifiers of several labels a clip: ``label`` holds the labels of a clip as a cell (:mod:`labcore.datasets.cells`).

    Attributes:
        limits: (clips, labels) the threshold that each clip is decided by: that of the classifier which predicted it.
        thresholds: of the first classifier.
    """

    limits: np.ndarray
    thresholds: LabelThresholds

    @classmethod
    def read(cls, paths: Iterable[Path]) -> LabelPredictions:
        """Those of one file, or of several one after the other: the folds of a cross-validation.

        Raises:
            RunError: a file is not there or cannot be read, or they are of one label a clip, or of different labels.
        """
        return cls.of(read_predictions(paths))

    @classmethod
    def of(cls, frame: pd.DataFrame) -> LabelPredictions:
        """Those that :func:`labcore.evaluation.predictions.read_predictions` gives; raises as :meth:`read` does."""
        labels = tuple(frame.attrs["labels"])
        if "several_labels" not in frame.attrs:
            raise RunError("these predictions are of one label a clip", "Use the predictions of another run")
        every = [LabelThresholds.model_validate(each) for each in frame.attrs["several_labels"]]
        rows = [np.tile(each.row(labels), (size, 1)) for each, size in zip(every, frame.attrs["sizes"], strict=True)]
        return cls(frame, labels, np.concatenate(rows), every[0])

    @cached_property
    def targets(self) -> np.ndarray:
        """(clips, labels) 1 where a clip has the label, 0 where it has not, -1 where nobody knows."""
        return states(self.frame["label"].tolist(), self.labels)

    @cached_property
    def decided(self) -> np.ndarray:
        """(clips, labels) bool, which labels each clip is predicted to have."""
        reached: np.ndarray = self.probabilities >= self.limits
        return reached

    def figures(self, fold: str = "all") -> EvaluatedLabels:
        """All figures, with intervals by recording.

        Raises:
            RunError: there is no clip.
        """
        if not len(self):
            raise RunError("there are no clips to evaluate", "Evaluate other clips")
        about = Circumstances(fold, groups=self.groups)
        return score_labels(self.probabilities, self.targets, self.labels, self.limits, about, self.thresholds.sentence)

    @cached_property
    def wrong(self) -> dict[str, np.ndarray]:
        """One of :data:`KINDS` → (clips, labels) bool, what is wrong so."""
        return {KINDS[0]: (self.targets == 1) & ~self.decided, KINDS[1]: (self.targets == 0) & self.decided}

    def mistakes(self, label: str, kind: str) -> np.ndarray:
        """The clips of which a label was missed (the least probable first), or predicted wrongly (the most probable first), as numbers:
        (clips,).

        Args:
            kind: one of :data:`KINDS`.
        """
        column = self.labels.index(label)
        rows, shares = np.flatnonzero(self.wrong[kind][:, column]), self.probabilities[:, column]
        return rows[np.argsort(shares[rows] if kind == KINDS[0] else -shares[rows], kind="stable")]


def loss_in(path: Path) -> float:
    """The loss of predictions of clips with known labels, of one label a clip or of several, as the curves of a run show it.

    Raises:
        RunError: the file is not there or cannot be read.
    """
    frame = read_predictions([path])
    if "several_labels" in frame.attrs:
        found = LabelPredictions.of(frame)
        return loss_of_several(found.probabilities, found.targets)
    one = ClipPredictions(frame, tuple(frame.attrs["labels"]))
    known = one.targets >= 0
    return loss_of_one(one.probabilities[known], one.targets[known])


def of_several(path: Path) -> bool:
    """Whether predictions are of several labels a clip. Reads the head of the file alone; False where it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from labcore.evaluation.predictions import META
    from labcore.reading import open_file, parse_json

    try:
        with open_file(path) as file:
            return "several_labels" in parse_json(pq.read_schema(file).metadata[META])
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError):
        return False
