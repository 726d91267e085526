"""From which probability on a clip has a label: the thresholds of a classifier of several labels a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

USUAL = 0.5
FEWEST = 5
"""A class with fewer clips that have it, or that have it not, keeps :data:`USUAL`: a threshold chosen on them says nothing."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class LabelThresholds(BaseModel):
    """Thresholds by label.

    Attributes:
        values: those that were chosen; any other label has :data:`USUAL`.
        source: what they were chosen on, as people read it; "" where none were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: Mapping[str, Share] = {}
    source: Annotated[str, Field(max_length=500)] = ""

    def of(self, label: str) -> float:
        return self.values.get(label, USUAL)

    def row(self, labels: Sequence[str]) -> np.ndarray:
        """(classes,) in the order of the labels."""
        return np.array([self.of(label) for label in labels], dtype=np.float64)

    @property
    def sentence(self) -> str:
        return (
            f"thresholds chosen for F1 on {self.source}" if self.values else f"the threshold of each label is {USUAL:g}"
        )


def choose(probabilities: np.ndarray, targets: np.ndarray, labels: Sequence[str], source: str) -> LabelThresholds:
    """For each label the threshold of the highest F1, midway to the next probability below.

    Args:
        probabilities, targets: (clips, classes) of clips that were neither trained on nor tested on; targets 1, 0, or -1 for unknown.
        source: what those are, as people read it.
    """
    values = {}
    for number, label in enumerate(labels):
        known = (targets[:, number] >= 0) & np.isfinite(probabilities[:, number])
        shares, present = probabilities[known, number].astype(np.float64), targets[known, number] == 1
        if min(present.sum(), (~present).sum()) < FEWEST:
            continue
        order = np.argsort(-shares, kind="stable")
        shares, present = shares[order], present[order]
        hits, taken = np.cumsum(present), np.arange(1, len(shares) + 1)
        f1 = 2 * hits / (taken + present.sum())
        last = np.append(shares[1:] < shares[:-1], True)  # equal probabilities stand or fall together
        best = int(np.where(last, f1, -1.0).argmax())
        below = shares[best + 1] if best + 1 < len(shares) else 0.0
        middle = float(shares[best] + below) / 2
        short = round(middle, 4)
        values[label] = short if below < short <= shares[best] else middle  # rounded it may pass one of the two
    return LabelThresholds(values=values, source=source if values else "")
