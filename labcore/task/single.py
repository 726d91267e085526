"""One label a clip: softmax and cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from labcore.augment.spectrogram import in_proportion
from labcore.task.kind import SINGLE, Watched
from labcore.task.losses import loss_of_one


@dataclass(frozen=True)
class SingleLabel:
    """The :class:`~labcore.task.kind.Task` of one label a clip."""

    name: ClassVar[str] = SINGLE

    def targets(self, cells: Sequence[str], labels: Sequence[str]) -> np.ndarray:
        number = {label: target for target, label in enumerate(labels)}
        return np.array([number.get(cell, -1) for cell in cells], dtype=np.int64)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        return targets

    def wanted(self, targets: Tensor, classes: int) -> Tensor:
        return F.one_hot(targets, classes).float()

    def mixed(self, own: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
        """In the ratio of the sounds, as between-class learning has it."""
        return in_proportion(own, other, ratio)

    def loss(self, logits: Tensor, wanted: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        return F.cross_entropy(logits, wanted, weights, label_smoothing=smoothing)

    def hits(self, logits: Tensor, wanted: Tensor) -> Tensor:
        return (logits.argmax(1) == wanted.argmax(1)).sum()

    def train_accuracy(self, hits: float, clips: int) -> float | None:
        return hits / clips

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.softmax(1)

    def watched(self, probabilities: np.ndarray, targets: np.ndarray) -> Watched:
        right = probabilities.argmax(1) == targets
        _, places = np.unique(targets, return_inverse=True)
        recalls = np.bincount(places, right) / np.bincount(places)
        return Watched(loss_of_one(probabilities, targets), float(right.mean()), balanced=float(recalls.mean()))

    def noted(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.argmax(1)

    def chosen(self, labels: Sequence[str], probabilities: np.ndarray) -> list[str] | None:
        return None

    def called(self, labels: Sequence[str], probabilities: np.ndarray, chosen: list[str] | None) -> str:
        return labels[int(probabilities.argmax())]
