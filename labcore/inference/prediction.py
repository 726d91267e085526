"""What a classifier says of a clip or a recording, in memory and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labcore.texts import percent

NONE_OF_THESE = "none of these"
"""The label of what is refused: it is none of the classes."""

NO_EVENTS = frozenset({"noise", "background", "other", "silence", "normal", "healthy"})
"""Classes of these names, in whatever case, are learnt as what is no event."""


TOLD = 5
"""So many classes are told of a prediction in a line."""


def is_event(label: str) -> bool:
    """Whether a class is one of events, not of what lies between them."""
    return label.strip().lower() not in NO_EVENTS


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

    def __repr__(self) -> str:
        return repr({label: round(share, 4) for label, share in self.items()})


@dataclass(frozen=True)
class Window:
    """The prediction for one stretch of a recording. ``silent``: it counts for nothing, since there is no sound in it. ``unknown``: as
    and ``labels`` as of a :class:`Prediction`."""

    start_s: float
    end_s: float
    label: str
    probability: float
    probabilities: Mapping[str, float]
    silent: bool = False
    unknown: bool = False
    labels: list[str] | None = None


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a classifier says of a clip.

    Attributes:
        label: the most probable class, or :data:`NONE_OF_THESE`; of several labels all of them, ``dog;rain``.
        probability: of the most probable class, also where the sound is none of them.
        probabilities: the mean over the windows that hold sound, ordered as the labels are.
        notes: what a user should know of how the clip was read, in words that follow its name: that channels cancel, and the like.
        unknown: it is none of the classes: digital silence, or refused by a classifier that refuses what it does not know.
        labels: of a classifier of several labels a clip those that reach their thresholds, the most probable first, perhaps none; None of
            one that gives one label.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    seconds: float
    windows: list[Window]
    notes: list[str] = field(default_factory=list)
    unknown: bool = False
    labels: list[str] | None = None

    @property
    def nearest(self) -> str:
        """The most probable class, whether or not the sound is refused."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    def __repr__(self) -> str:
        """In a line: the most probable classes, and how many windows there are."""
        most = sorted(self.probabilities.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{label} {percent(share)}" for label, share in most[:TOLD])
        more = f" and {len(most) - TOLD} more" if len(most) > TOLD else ""
        windows = f"{len(self.windows)} window{'' if len(self.windows) == 1 else 's'}"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"Prediction: {self.label} ({shares}{more}), {self.seconds:g} s in {windows}{notes}"

    def told(self) -> dict[str, Any]:
        """Plain data, but for the probabilities of windows, which stay what they are."""
        return _facts(self) | {"windows": [_facts(window) for window in self.windows]}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        windows = [_facts(window) | {"probabilities": dict(window.probabilities)} for window in self.windows]
        return _facts(self) | {"windows": windows}


def _facts(part: Prediction | Window) -> dict[str, Any]:
    """Without the labels, where there is one label."""
    return {name: value for name, value in vars(part).items() if name != "labels" or value is not None}
