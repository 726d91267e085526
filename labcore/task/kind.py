"""The kinds of classification: one label a clip (softmax), or several, each by itself (sigmoid).

A task owns what the two differ in: targets, loss, activation, how targets are mixed, what a prediction comes to, and the figures of an
epoch. Whoever trains or predicts asks the task of the classifier; the final figures are those of :mod:`labcore.evaluation.scoring`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from labcore.errors import RunError
from labcore.task.of_file import needs_one

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


SINGLE, SEVERAL = "single", "several"
"""The names of the kinds, in files."""


@dataclass(frozen=True)
class Watched:
    """The figures of the clips of the curves after an epoch: the loss, and accuracies or mean average precision, as the kind has it."""

    loss: float
    accuracy: float | None = None
    mean_ap: float | None = None
    balanced: float | None = None


class Task(Protocol):
    """What the kinds of classification differ in."""

    @property
    def name(self) -> str:
        """:data:`SINGLE` or :data:`SEVERAL`."""

    def targets(self, cells: Sequence[str], labels: Sequence[str]) -> np.ndarray:
        """What is known of clips, a row a clip, int64: of one label its class number (clips,), -1 for another label; of several labels
        (clips, classes) of 1, 0, and -1 where nobody knows."""

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """(clips,) a class number for each clip, int64: what clips are balanced by, and examples chosen from."""

    def wanted(self, targets: Tensor, classes: int) -> Tensor:
        """Targets of a batch → (batch, classes) float32 for the loss; nan where nobody knows."""

    def mixed(self, own: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
        """Targets of clips of which two were mixed: (batch, classes) each; ``ratio`` (batch,) is the share of ``own``."""

    def loss(self, logits: Tensor, wanted: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
        """The mean over the clips of a batch: () from (batch, classes) each.

        Args:
            weights: (classes,) how much clips of each class count; None where all count the same.
            smoothing: label smoothing, from 0.
        """

    def hits(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """() how many clips of a batch are right; 0 where that is no question."""

    def train_accuracy(self, hits: float, clips: int) -> float | None:
        """The share that is right; None where that is no question."""

    def probabilities(self, logits: Tensor) -> Tensor:
        """(batch, classes) → the same, from 0 to 1."""

    def watched(self, probabilities: np.ndarray, targets: np.ndarray) -> Watched:
        """The figures of the clips of the curves: probabilities (clips, classes), targets (clips, …)."""

    def noted(self, probabilities: np.ndarray) -> np.ndarray:
        """What is kept of predictions until the figures are worked out: (clips, classes) → (clips, …)."""

    def chosen(self, labels: Sequence[str], probabilities: np.ndarray) -> list[str] | None:
        """The labels of a clip by its probabilities (classes,), the most probable first; None of a kind that gives one."""

    def called(self, labels: Sequence[str], probabilities: np.ndarray, chosen: list[str] | None) -> str:
        """What a prediction is called: its class, or the labels that were chosen as a cell of a table has them; "" for none."""


def require_single(task: Task, what: str, instead: str) -> None:
    """Refuse what makes sense with one label a clip only.

    Args:
        what: that needs it, with a capital: "A robustness test".
        instead: what to do, a sentence without the final stop.

    Raises:
        RunError: the task has several labels a clip.
    """
    if task.name != SINGLE:
        raise RunError(needs_one(what), instead)
