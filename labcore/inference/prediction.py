"""What a classifier says of a clip or a recording, in memory and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Shares(Mapping[str, float]):
    """Probabilities by label, kept as a row of numbers: an hour has thousands of windows, and there may be hundreds of labels.

    Args:
        places: where each label stands in the row.
        row: (classes,) float32.
    """

    __slots__ = ("_places", "_row")

    def __init__(self, places: dict[str, int], row: np.ndarray) -> None:
        self._places, self._row = places, row

    def __getitem__(self, label: str) -> float:
        return float(self._row[self._places[label]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@dataclass(frozen=True)
class Window:
    """The prediction for one stretch of a recording. ``silent``: it counts for nothing, since there is no sound in it."""

    start_s: float
    end_s: float
    label: str
    probability: float
    probabilities: Mapping[str, float]
    silent: bool = False


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of a clip.

    Attributes:
        probabilities: the mean over the windows that hold sound, ordered as the labels are.
        notes: what a user should know of how the clip was read, in words that follow its name: that channels cancel, and the like.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    seconds: float
    windows: list[Window]
    notes: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Plain data, but for the probabilities of windows, which stay what they are."""
        return {**vars(self), "windows": [vars(window) for window in self.windows]}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        windows = [{**vars(window), "probabilities": dict(window.probabilities)} for window in self.windows]
        return {**vars(self), "windows": windows}
