"""What a search judges its trials by. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labcore.events import Epoch, Evaluated, EvaluatedLabels
from labcore.texts import percent

Result = Evaluated | EvaluatedLabels


@dataclass(frozen=True)
class Objective:
    """A figure of the validation fold.

    Attributes:
        name: in files, addresses and on the command line.
        title: for people.
        larger: whether more is better.
        share: whether it is told in percent.
        of_epoch: the figure on the clips of the curves after an epoch; None where there is none.
        of_result: the figure of the weights that were saved, on all clips of the fold; None of the loss, which their predictions tell.
        several: the kind of labels that it needs: several a clip, or one; None: it suits both.
    """

    name: str
    title: str
    larger: bool
    share: bool
    of_epoch: Callable[[Epoch], float | None]
    of_result: Callable[[Result], float | None]
    several: bool | None

    def suits(self, several: bool) -> bool:
        """Whether clips with several labels, or with one, have this figure."""
        return self.several in (None, several)

    def better(self, value: float, other: float) -> bool:
        return value > other if self.larger else value < other

    def best(self, *values: float) -> float:
        return max(values) if self.larger else min(values)

    def text(self, value: float) -> str:
        """A value as people read it."""
        return percent(value) if self.share else f"{value:.4f}"


def _balanced(result: Result) -> float | None:
    """The mean recall of the classes that occur."""
    if not isinstance(result, Evaluated):
        return None
    recalls = [row.get(label, 0) / sum(row.values()) for label, row in result.confusion.items() if any(row.values())]
    return sum(recalls) / len(recalls) if recalls else None


OBJECTIVES = {
    each.name: each
    for each in (
        Objective(
            "accuracy", "Accuracy", True, True, lambda event: event.val_accuracy,
            lambda result: result.accuracy if isinstance(result, Evaluated) else None, False,
        ),
        Objective("balanced", "Balanced accuracy", True, True, lambda event: event.val_balanced, _balanced, False),
        Objective(
            "map", "Mean average precision", True, False, lambda event: event.val_mean_ap,
            lambda result: result.mean_ap if isinstance(result, EvaluatedLabels) else None, True,
        ),
        Objective("loss", "Loss", False, False, lambda event: event.val_loss, lambda result: None, None),
    )
}  # fmt: skip
"""By name, those that are usual for a kind of labels first."""


def suitable(several: bool) -> list[Objective]:
    """The objectives for clips with several labels, or with one, the usual one first."""
    return [each for each in OBJECTIVES.values() if each.suits(several)]
