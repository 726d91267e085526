"""Listening to hours of recordings that hold none of a classifier's events, as a job.

::

    alarms/<id>/
      alarms.json     what was asked for
      windows.jsonl     a line a recording: the windows that can be part of an event (labcore.alarms.background)
      excluded.json   stretches that hold a target after all

Needs no torch: the work stands in :mod:`labcore.alarms.work`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from labcore.evaluation.jobs import Judgement, RunPlan
from labcore.events import JOB_KINDS, Event
from labcore.jobs.kind import Kind
from labcore.runs import Run


class AlarmsPlan(RunPlan):
    """What to listen to.

    Attributes:
        sounds: absolute paths of recordings, and of folders of them.
        hop_seconds: from one window to the next; half a window where it is not given.
    """

    sounds: Annotated[tuple[str, ...], Field(min_length=1)]
    hop_seconds: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None


class Listening(Event):
    """What listens: the classes that are events, its windows in seconds, and its temperature, and the score above which it
    refuses sounds; 1 and 0 where there are none."""

    type: Literal["listening"] = "listening"
    labels: list[str]
    clip_seconds: float
    hop_seconds: float
    temperature: float
    refusal: float
    weights: str
    recordings: int

    def same(self, other: Listening) -> bool:
        """Whether what one heard belongs to what the other hears."""
        skip = {"time", "recordings"}
        return self.model_dump(exclude=skip) == other.model_dump(exclude=skip)


class Exclusion(BaseModel):
    """A stretch of a recording that holds a target: neither its alarms count nor its time. ``by`` is who said so."""

    model_config = ConfigDict(frozen=True)

    file: str
    start_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    end_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    by: str = ""


_EXCLUSIONS = TypeAdapter(list[Exclusion])


@dataclass(frozen=True)
class AlarmTest(Judgement[AlarmsPlan]):
    """A false alarm test by its directory."""

    kind: ClassVar[Kind] = Kind(
        "false alarm test",
        "alarms",
        listed="labcore alarms --list",
        file="alarms.json",
        traces=("events.jsonl", "windows.jsonl"),
        events={**JOB_KINDS, "listening": Listening},
        work="labcore.alarms.work:listen",
    )
    plan_of = AlarmsPlan

    @property
    def windows(self) -> Path:
        return self.path / "windows.jsonl"

    @property
    def listening(self) -> Listening | None:
        """What listens, once that is known."""
        return self.last_event(Listening)

    @property
    def exclusions(self) -> list[Exclusion]:
        """Those at hand; none where they cannot be read."""
        try:
            return _EXCLUSIONS.validate_python(self.load("excluded", []))
        except ValidationError:
            return []

    def exclude(self, exclusion: Exclusion) -> None:
        """Leave a stretch out, from now on.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        self._keep([*self.exclusions, exclusion])

    def include(self, number: int) -> None:
        """Take an exclusion back, by its place. Raises as :meth:`exclude` does."""
        self._keep([each for place, each in enumerate(self.exclusions) if place != number])

    def _keep(self, exclusions: list[Exclusion]) -> None:
        self.save("excluded", [each.model_dump() for each in dict.fromkeys(exclusions)])


def finished_test(run: Run) -> AlarmTest | None:
    """The newest of a run that is finished."""
    return next((job for job in AlarmTest.of_run(run) if job.status().state == "finished"), None)
