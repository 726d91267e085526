"""Several labels a clip: a sigmoid a class and binary cross-entropy, in which what nobody knows does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from labcore.datasets.cells import UNKNOWN, joined, states
from labcore.task.kind import SEVERAL, Watched
from labcore.task.losses import loss_of_several
from labcore.task.ranking import mean_average_precision
from labcore.task.thresholds import LabelThresholds


@dataclass(frozen=True)
class SeveralLabels:
    """The :class:`~labcore.task.kind.Task` of several labels a clip.

    Attributes:
        thresholds: from which probability on a clip has a label.
    """

    name: ClassVar[str] = SEVERAL
    thresholds: LabelThresholds = field(default_factory=LabelThresholds)

    def targets(self, cells: Sequence[str], labels: Sequence[str]) -> np.ndarray:
        return states(cells, labels)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The rarest class of each clip; one number more for clips without any."""
        present = targets == 1
        counts = np.where(present, present.sum(0), len(targets) + 1)
        return np.where(present.any(1), counts.argmin(1), targets.shape[1]).astype(np.int64)

    def wanted(self, targets: Tensor, classes: int) -> Tensor:
        return torch.where(targets == UNKNOWN, torch.nan, targets.float())

    def mixed(self, own: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
        """The union: in a mixture both sounds are heard. The louder one's labels stay whole, and the other's fade with its share, so
        that they are all there where both are equally loud, and gone where one is not heard."""
        share = ratio[:, None]
        louder, quieter = (2 * share).clamp(max=1), (2 - 2 * share).clamp(max=1)
        one = torch.where(louder > 0, own * louder, 0.0)
        two = torch.where(quieter > 0, other * quieter, 0.0)
        whole = (one >= 1) | (two >= 1)  # known, whatever is unknown of the other
        return torch.where(whole, 1.0, torch.maximum(one, two))  # nan where either is

    def loss(self, logits: Tensor, wanted: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        """Summed over the classes of a clip, as cross-entropy is, so that learning rates suit both."""
        known = ~wanted.isnan()
        wanted = torch.where(known, wanted, 0.0) * (1 - smoothing) + 0.5 * smoothing
        each = F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights, reduction="none")
        return torch.where(known, each, 0.0).sum(1).mean()

    def hits(self, logits: Tensor, wanted: Tensor) -> Tensor:
        return torch.zeros((), device=logits.device)

    def train_accuracy(self, hits: float, clips: int) -> float | None:
        return None

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid()

    def watched(self, probabilities: np.ndarray, targets: np.ndarray) -> Watched:
        loss = loss_of_several(probabilities, targets)
        return Watched(loss, mean_ap=mean_average_precision(np.nan_to_num(probabilities), targets))

    def noted(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities

    def chosen(self, labels: Sequence[str], probabilities: np.ndarray) -> list[str] | None:
        above = [number for number, label in enumerate(labels) if probabilities[number] >= self.thresholds.of(label)]
        return [labels[number] for number in sorted(above, key=lambda number: -probabilities[number])]

    def called(self, labels: Sequence[str], probabilities: np.ndarray, chosen: list[str] | None) -> str:
        return joined(chosen or [])
