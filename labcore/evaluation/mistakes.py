"""Which clips a classifier gets wrong, most confident first: of a cell of the confusion matrix, of a class, of a range of probabilities.

No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from labcore.errors import RunError
from labcore.evaluation.clip_predictions import ClipPredictions


@dataclass(frozen=True)
class Choice:
    """Clips to look at; of the default all mistakes.

    Attributes:
        true: those with this label alone.
        predicted: those predicted as this class alone.
        low, high: the probability of the predicted class is above the one, and at most the other.
    """

    true: str | None = None
    predicted: str | None = None
    low: float = 0.0
    high: float = 1.0

    @property
    def right(self) -> bool:
        """Whether a cell on the diagonal is meant, whose clips are no mistakes."""
        return self.true is not None and self.true == self.predicted


def rows_of(predictions: ClipPredictions, choice: Choice | None = None) -> np.ndarray:
    """The numbers of the mistakes among the clips of a choice: (mistakes,) int64, the most confident first.

    Of a cell on the diagonal, which holds no mistakes, all its clips, the least confident first. A clip of a class that the classifier
    does not know is a mistake. Clips of equal confidence stay in their order.
    """
    choice = choice or Choice()
    given, predicted, confidence = (
        predictions.frame["label"].to_numpy(dtype=object),
        predicted_labels(predictions),
        predictions.confidence,
    )
    kept = (predicted == given) if choice.right else (predicted != given)
    kept &= (confidence > choice.low if choice.low else True) & (confidence <= choice.high if choice.high < 1 else True)
    if choice.true is not None:
        kept &= given == choice.true
    if choice.predicted is not None:
        kept &= predicted == choice.predicted
    rows = np.flatnonzero(kept)
    order = confidence[rows] if choice.right else -confidence[rows]
    return rows[np.argsort(order, kind="stable")]


def predicted_labels(predictions: ClipPredictions) -> np.ndarray:
    """(clips,) the name of the predicted class of each."""
    return np.array(predictions.labels, dtype=object)[predictions.predicted]


def by_class(predictions: ClipPredictions) -> pd.DataFrame:
    """How many mistakes each class is part of.

    Returns:
        A row a class of the classifier, then any others, with columns label, missed (clips of it predicted as another), taken (clips of
        others predicted as it).
    """
    wrong = rows_of(predictions)
    given, predicted = predictions.frame["label"].to_numpy(dtype=object)[wrong], predicted_labels(predictions)[wrong]
    labels = list(dict.fromkeys([*predictions.labels, *sorted(set(given) - set(predictions.labels))]))
    missed, taken = pd.Series(given).value_counts(), pd.Series(predicted).value_counts()
    return pd.DataFrame(
        {
            "label": labels,
            "missed": [int(missed.get(label, 0)) for label in labels],
            "taken": [int(taken.get(label, 0)) for label in labels],
        }
    )


def by_confidence(predictions: ClipPredictions, bars: int = 10) -> pd.DataFrame:
    """How many clips are right and wrong at each probability of the predicted class.

    Returns:
        A row a range of equal width with columns low, high, right, wrong; a clip is in the range whose ``high`` it does not exceed.
    """
    edges = np.arange(bars + 1) / bars
    place = np.clip(np.searchsorted(edges, predictions.confidence, side="left") - 1, 0, bars - 1)
    wrong = np.zeros(len(predictions), dtype=bool)
    wrong[rows_of(predictions)] = True
    counted = [np.bincount(place[mask], minlength=bars) for mask in (~wrong, wrong)]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "right": counted[0], "wrong": counted[1]})


def nearest(asked: np.ndarray, among: np.ndarray, most: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The nearest embeddings by cosine.

    Args:
        asked: (clips, width).
        among: (candidates, width).
        most: so many of each, fewer where there are fewer candidates.

    Returns:
        (clips, most) the numbers of the candidates, the nearest first, and their cosines, from -1 to 1; 0 to an embedding of zeros.

    Raises:
        RunError: they are of different networks, and cannot be compared.
    """
    if asked.shape[1] != among.shape[1]:
        raise RunError(
            f"embeddings of {asked.shape[1]} and of {among.shape[1]} numbers cannot be compared: they are of different networks",
            "Evaluate the run again",
        )
    cosines = _directions(asked) @ _directions(among).T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :most]
    return order, np.take_along_axis(cosines, order, axis=1)


def _directions(vectors: np.ndarray) -> np.ndarray:
    """(rows, width) at length 1, those of length 0 as they are."""
    vectors = np.asarray(vectors, dtype=np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
