"""An estimate as a job: what a run will take, measured on a few steps of it (:mod:`labcore.training.estimate`).

::

    estimates/<id>/
      config.json     the run that was asked about

The result is a :class:`~labcore.events.Estimate` among the events. The last ones are kept, and no backup holds any. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, RunError
from labcore.events import JOB_KINDS, KINDS, Estimate
from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.status import JobRequest
from labcore.load import Load
from labcore.reading import DamagedError, read_json
from labcore.runs.times import TrainingSpeed, speed_of_estimate
from labcore.texts import counted
from labcore.workspace import Workspace, slug, write_atomically


@dataclass(frozen=True)
class EstimateJob(JobFolder):
    """An estimate by its directory."""

    kind: ClassVar[Kind] = Kind(
        "estimate", "estimates", events={**KINDS, **JOB_KINDS}, work="labcore.training.estimate:work", short=True
    )

    @classmethod
    def create(cls, workspace: Workspace, config: RunConfig, *, queued: bool = False, by: str = "") -> EstimateJob:
        """Make a new one. Not queued, it is started by who makes it; ``by`` as for :meth:`draft`.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        job = cls.new(workspace, slug(config.model.name.replace(":", "-")))
        with job.draft(queued=queued, by=by) as draft:
            write_atomically(draft.path / "config.json", config.to_json(indent=2))
        return job

    def request(self) -> JobRequest:
        config = self.config
        return JobRequest(config.data.dataset, config.model.name)

    @property
    def config(self) -> RunConfig:
        """Raises RunError where it cannot be read."""
        try:
            return parse(read_json(self.path / "config.json"))
        except (OSError, DamagedError, ConfigError) as error:
            raise RunError(f"{self.title} cannot be read: {reason(error)}") from error

    @property
    def result(self) -> Estimate | None:
        """What was measured, once it is known."""
        return self.last_event(Estimate)


def room(largest: int, clips: int) -> str:
    """What the memory holds at a time, in words: it is bounded by the clips there are where these are fewer.

    Args:
        largest: the largest batch that the memory holds.
        clips: those that are trained on; 0 where that is not known.
    """
    if clips and largest >= clips:
        return f"all {clips} training clips fit" if clips > 1 else "the one training clip fits"
    return f"up to about {counted(largest, 'clip')} {'fits' if largest == 1 else 'fit'}"


def busy_words(told: Estimate, say: Callable[[float], str]) -> str:
    """That other work was at the processor while steps were timed, and what the run takes without it; "" where there was hardly any.

    Args:
        say: a length of time in words.
    """
    if told.others is None or Load(max(1, told.cores), told.others).idle:
        return ""
    without = "" if told.seconds_idle is None else f"; without it about {say(told.seconds_idle)}"
    return f"other work uses {told.others:.1f} of {counted(told.cores, 'core')} now{without}"


def speeds_of_estimates(workspace: Workspace) -> list[TrainingSpeed]:
    """How fast the estimates that are kept found this machine, newest first."""
    found = []
    for job in EstimateJob.every(workspace):
        try:
            config, told = job.config, job.result
        except RunError:
            continue
        if told is not None and (speed := speed_of_estimate(config, told)) is not None:
            found.append(speed)
    return found
