"""A check of a data set as a job.

::

    checks/<id>/
      check.json      what was asked for
      findings.json   what was found, as `labcore datasets check --json` tells it

What was measured is kept in the workspace's cache (:mod:`labcore.datasets.checks.kept`): a check that was stopped goes on with it, and the
next one decodes only what is new. The last checks are kept, and no backup holds any.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from labcore.config import DataConfig, RunConfig
from labcore.events import JOB_KINDS, Event
from labcore.jobs.following import follow
from labcore.jobs.kind import Kind
from labcore.jobs.planned import PlainJob
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobRequest
from labcore.texts import shown

RATE = "audio.sample_rate"


class CheckPlan(BaseModel):
    """What to check.

    Attributes:
        dataset: a name of the workspace, or an absolute path.
        sample_rate: of a training, in Hz: what it would not hear is told. The default of trainings where it is not given.
        cutting: how its clips are cut by time-stamped annotations; None for the defaults.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    sample_rate: Annotated[int | None, Field(ge=1)] = None
    cutting: DataConfig | None = None

    @property
    def config(self) -> RunConfig:
        """Raises ConfigError where nothing can be trained at the rate."""
        return RunConfig() if self.sample_rate is None else RunConfig().replace({RATE: self.sample_rate})


class Checked(Event):
    """A check has come to its end: so many clips, so many findings that should be looked at, and what they are, a sentence each."""

    type: Literal["checked"] = "checked"
    dataset: str
    clips: int
    warnings: list[str]


@dataclass(frozen=True)
class Check(PlainJob[CheckPlan]):
    """A check by its directory."""

    kind: ClassVar[Kind] = Kind(
        "check",
        "checks",
        file="check.json",
        traces=("events.jsonl", "findings.json"),
        events={**JOB_KINDS, "checked": Checked},
        work="labcore.checking:work",
        short=True,
    )
    plan_of = CheckPlan

    @classmethod
    def about(cls, plan: CheckPlan) -> str:
        return plan.dataset.rpartition("/")[2]

    def request(self) -> JobRequest:
        return JobRequest(self.plan.dataset)

    @property
    def result(self) -> Checked | None:
        """What was found, once that is known; ``findings.json`` has it in full."""
        return self.last_event(Checked)


def work(job: Check, should_stop: StopTest) -> Generator[Event, None, None]:
    """The work of a check."""
    from labcore.datasets.health import check_dataset
    from labcore.datasets.registry import find_dataset

    plan = job.plan
    dataset = find_dataset(job.workspace, plan.dataset, plan.cutting)
    health = yield from follow(
        "checking", lambda progress: check_dataset(dataset, progress, plan.config, job.workspace), should_stop
    )
    job.save("findings", health.to_dict())
    yield Checked(dataset=shown(health.name), clips=health.clips, warnings=[shown(text) for text in health.warnings])
