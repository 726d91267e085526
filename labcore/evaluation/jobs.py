"""Judging a trained classifier as a job: what all such jobs have in common, and an evaluation.

::

    evaluations/<id>/
      evaluation.json      what was asked for
      predictions.parquet  a row a clip, or a window (labcore.evaluation.predictions)

The figures are events. Needs no torch: the work stands in :mod:`labcore.evaluation.work`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from labcore.events import JOB_KINDS, Evaluated, EvaluatedLabels, Event, result_of
from labcore.jobs.kind import Kind
from labcore.jobs.planned import PlainJob
from labcore.jobs.status import JobRequest
from labcore.runs import Run


class RunPlan(BaseModel):
    """Which classifier to judge.

    Attributes:
        run: the id of a run of the workspace, or the absolute path of another one or of a file of weights.
        device: auto, cpu, cuda or cuda:N.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    run: str
    device: str = "auto"

    def data(self, own: str | None) -> str | None:
        """The data set that is needed for it; ``own`` is that of the run."""
        return None


class BasePlan(RunPlan):
    """On which clips of a data set to judge it.

    Attributes:
        dataset: a name of the workspace or an absolute path; the classifier's own data set where it is not given.
        fold: one, or ``all``; where it is not given, what was held out, and all clips of another data set.
        label: clips of this class only.
    """

    dataset: str | None = None
    fold: str | None = None
    label: Annotated[str | None, Field(alias="class")] = None

    def data(self, own: str | None) -> str | None:
        return self.dataset or own


class EvaluationPlan(BasePlan):
    """What else there is to ask of an evaluation.

    Attributes:
        rows: what predictions are kept of.
        batch_size: windows at a time.
        part: validation for the clips that the run set aside from training, in place of a fold. Their probabilities are those without a
            temperature: one is fitted on them.
    """

    rows: Literal["clips", "windows"] = "clips"
    batch_size: Annotated[int, Field(ge=1)] = 64
    part: Literal["test", "validation"] = "test"


class ClipsChosen(Event):
    """Which clips are evaluated: so many, of which fold, and a sentence on them. Results told before are of other clips."""

    type: Literal["chosen"] = "chosen"
    dataset: str
    fold: str
    clips: int
    sentence: str


P = TypeVar("P", bound=RunPlan)


@dataclass(frozen=True)
class Judgement(PlainJob[P]):
    """What they have in common."""

    @classmethod
    def about(cls, plan: P) -> str:
        return re.sub(r"^\d{8}-\d{6}-", "", Path(plan.run).stem)

    def request(self) -> JobRequest:
        plan = self.plan
        own = Run(self.workspace.runs / plan.run).asked()
        return JobRequest(plan.data(own.dataset), own.model)

    @property
    def chosen(self) -> ClipsChosen | None:
        """The clips that are evaluated, once that is known."""
        return self.last_event(ClipsChosen)


@dataclass(frozen=True)
class Evaluation(Judgement[EvaluationPlan]):
    """An evaluation by its directory."""

    kind: ClassVar[Kind] = Kind(
        "evaluation",
        "evaluations",
        file="evaluation.json",
        traces=("events.jsonl", "predictions.parquet"),
        events={**JOB_KINDS, "chosen": ClipsChosen},
        work="labcore.evaluation.work:evaluation",
    )
    plan_of = EvaluationPlan

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.parquet"

    @property
    def result(self) -> Evaluated | EvaluatedLabels | None:
        """The figures, once they are known."""
        return result_of(self.events())
