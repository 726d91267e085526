"""What a learning curve tells of each of its runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from labcore.events import Event

MEL = "mel"
"""The baseline on the mean and standard deviation of each mel band."""


class CurveProgress(Event):
    """A run has an epoch behind it. ``name``: as in the plan of the curve."""

    type: Literal["curve_progress"] = "curve_progress"
    name: str
    run_id: str
    epoch: int
    epochs: int


class Scored(BaseModel):
    """The figures of a classifier on the held-out clips.

    Attributes:
        correct: clips predicted right of each recording, in the order of :attr:`CurvePoint.groups`.
    """

    accuracy: float
    macro_f1: float
    correct: list[int]


class CurvePoint(Event):
    """The figures of a run that is finished, and of the baselines on its training clips, all on the clips of the test fold.

    Attributes:
        name: as in the plan of the curve.
        recordings: training recordings per class, the mean over the classes.
        clips: so many were trained on.
        epochs: of the run.
        groups: clips of each recording of the test fold, in the order of the recordings' names.
        recipe: of the run.
        baselines: :data:`MEL`, or the id of the run whose embeddings were taken → its figures.
    """

    type: Literal["curve_point"] = "curve_point"
    name: str
    run_id: str
    recordings: float
    clips: int
    epochs: int
    groups: list[int]
    recipe: Scored
    baselines: dict[str, Scored]
