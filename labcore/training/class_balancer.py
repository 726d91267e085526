"""Classes with many clips and classes with few: how often clips are drawn, or how much they count.

Evening out all the way would show the few clips of a rare class hundreds of times and learn them by heart; leaving the frequencies as
they are lets the rare class drown. The square root of the frequency lies between (Mahajan et al., "Exploring the Limits of Weakly
Supervised Pretraining", 2018, section 2.2), and no clip is drawn, or counts, more than :data:`CAP` times as much as on average.
"""

from __future__ import annotations

import torch
from torch import Tensor

CAP = 8.0
EVEN = 2.0
"""Sets whose largest class has at most so many times the clips of the smallest are left as they are."""


class ClassBalancer:
    """What is done about class imbalance in training.

    Args:
        targets: (clips,) class numbers of the training clips, int64.
        classes: how many classes there are.
        kind: ``none``, ``sampling`` (an epoch draws clips of rare classes more often and of frequent ones less often, as many in all as
            there are) or ``weighting`` (all are drawn once, their losses are weighted).
        present: (classes,) how many of the clips have each label, where they may have several: weighting goes by it. A clip is drawn
            for one label, by ``targets``, and its loss is of all.
    """

    def __init__(self, targets: Tensor, classes: int, kind: str, present: Tensor | None = None) -> None:
        self.targets, self.kind = targets, kind
        counts = torch.bincount(targets, minlength=classes)
        self.counts = counts if kind != "weighting" or present is None else present
        present = self.counts[self.counts > 0]
        self.uneven = kind != "none" and len(present) > 1 and int(present.max()) > EVEN * int(present.min())
        self.factors = self._factors() if self.uneven else torch.ones(classes, dtype=torch.float64)

    def _factors(self) -> Tensor:
        """(classes,) how often a clip of each class is drawn, or how much it counts: 1 on average over the clips, at most the cap."""
        counts = self.counts.double()
        wanted = torch.where(counts > 0, counts.clamp(min=1).rsqrt(), 0.0)
        capped = torch.zeros_like(wanted, dtype=torch.bool)
        while True:  # what the cap takes from rare classes goes to the others
            free = counts[~capped] @ wanted[~capped]
            factors = torch.where(capped, CAP, wanted * ((counts.sum() - CAP * counts[capped].sum()) / free))
            over = (factors > CAP) & ~capped
            if not bool(over.any()):
                return torch.where(counts > 0, factors, 1.0)
            capped |= over

    def order(self) -> Tensor:
        """The order of an epoch, from torch's global generator: (clips,) numbers of training clips.

        Where the classes are even, or are weighted, each clip comes once. Else each class has its number of draws, and its clips take
        turns: none is drawn a second time before the others were.
        """
        clips = len(self.targets)
        if not self.uneven or self.kind != "sampling":
            return torch.randperm(clips)
        chosen_clips = []
        for number, quota in enumerate(self.quotas().tolist()):
            members = (self.targets == number).nonzero()[:, 0]
            while quota > 0:
                chosen_clips.append(members[torch.randperm(len(members))[:quota]])
                quota -= len(members)
        return torch.cat(chosen_clips)[torch.randperm(clips)]

    def quotas(self) -> Tensor:
        """(classes,) clips of each class in an epoch; together as many as there are clips, and of each class at least one."""
        shares = self.factors * self.counts
        quota = shares.floor().long().clamp(min=1) * (self.counts > 0)
        left = int(self.counts.sum() - quota.sum())
        rest = (shares - quota).argsort(descending=True, stable=True)
        if left >= 0:
            quota[rest[:left]] += 1
        else:  # classes that were raised to one clip
            quota[quota.argmax()] += left
        return quota

    def loss_weights(self) -> Tensor | None:
        """(classes,) float32, what losses of clips are multiplied by; None where all count the same."""
        return self.factors.float() if self.uneven and self.kind == "weighting" else None

    def sentence(self) -> str:
        """What is done, for people; empty where nothing is."""
        if not self.uneven:
            return ""
        present = self.counts > 0
        low, high = int(self.counts[present].min()), int(self.counts.max())
        most, least = float(self.factors[present].max()), float(self.factors[present].min())
        way, unit = ("are drawn", "as often") if self.kind == "sampling" else ("count", "as much")
        return (
            f"the classes are imbalanced, {low} to {high} training clips: those of the rarest {way} {most:.1f} times {unit} as on "
            f"average, those of the largest {least:.2f} times"
        )
