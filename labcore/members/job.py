"""A job that looks after its runs: what its plan names, how it stands, and how runs that are missing are made.

It is there before its runs, with their ids: one that was killed in between has runs that are missing, which are made when it goes on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, RunError
from labcore.events import Event
from labcore.jobs.event_log import log_of
from labcore.jobs.folder import NOTHING
from labcore.jobs.glances import glance
from labcore.jobs.listing import reason
from labcore.jobs.naming import is_id
from labcore.jobs.planned import PlannedJob
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobStatus, Story
from labcore.owners import clean
from labcore.runs import Run
from labcore.runs.asked import NAME as ASKED
from labcore.workspace import Workspace, slug


def _an_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("it names no run of this workspace")
    return text


RunId = Annotated[str, AfterValidator(_an_id)]


class MembersPlan(BaseModel):
    """What was asked for.

    Attributes:
        config: what its runs have in common.
        asked: which of that was left to the lab, see :mod:`labcore.runs.asked`.
        members: name of each run among them, and its id.
        by: whose it is.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    config: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    members: tuple[tuple[str, RunId], ...] = ()
    by: str = ""


M = TypeVar("M", bound=MembersPlan)


@dataclass(frozen=True)
class MembersJob(PlannedJob[M]):
    """What such jobs have in common."""

    @property
    @abstractmethod
    def done(self) -> Collection[str]:
        """The names of those runs whose result is known."""

    @abstractmethod
    def changes(self, name: str) -> dict[str, Any]:
        """The settings in which a run differs from the others, by path."""

    @abstractmethod
    def marks(self, name: str) -> dict[str, Any]:
        """The JSON files that tell of a run what it is a part of."""

    @abstractmethod
    def words(self, name: str) -> str:
        """What tells a run from the others, in words that follow it: ``without dog``."""

    @abstractmethod
    def progress(self, name: str, run_id: str, epoch: int, epochs: int) -> Event:
        """What tells that a run has an epoch behind it."""

    @abstractmethod
    def looker(self) -> Callable[[str, Run, StopTest], Iterator[Event]]:
        """Looks at a finished run, by its name: the events that tell what came of it, the result last."""

    def begun(self, run: Run) -> None:
        """Called with each run that was made."""

    def make_missing(self) -> None:
        """Make the runs that are not there, in the queue: of a new job, of one whose making was cut short, and those that were deleted.

        Raises:
            RunError: the job cannot be read.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.device import gpu_count

        asked, config = self.plan.asked, self.config
        wanted = config.runtime.device
        gpus = gpu_count() if wanted in ("auto", "cuda") else 0
        for number, (name, run) in enumerate(self.members().items()):
            if run.there:
                continue
            device = spread(wanted, number, gpus)
            left = asked | ({"runtime.device": wanted} if device != wanted else {})
            marks = self.marks(name) | ({ASKED: left} if left else {})
            changed = config.replace(self.changes(name) | {"runtime.device": device})
            Run.create(self.workspace, changed, queued=True, marks=marks, by=self.owner, path=run.path)
            self.begun(run)

    @property
    def config(self) -> RunConfig:
        """What its runs have in common.

        Raises:
            RunError: it cannot be read.
        """
        try:
            return parse(self.plan.config)
        except ConfigError as error:
            raise RunError(f"{self.title} cannot be read: {reason(error)}", "Delete it") from error

    @property
    def owner(self) -> str:
        return super().owner or clean(self.load(self.kind.stem, {}).get("by"))

    @property
    def needs(self) -> str:
        return NOTHING

    def members(self) -> dict[str, Run]:
        """Name → run, which may have been deleted by now.

        Raises:
            RunError: the job cannot be read.
        """
        return {name: Run(self.workspace.runs / run_id) for name, run_id in self.plan.members}

    def children(self) -> list[Run]:
        try:
            return [run for run in self.members().values() if run.there]
        except RunError:  # nobody knows which
            return []

    def status(self, story: Story | None = None) -> JobStatus:
        status = super().status(log_of(self).story() if story is None else story)
        return replace(status, fraction=self._fraction()) if status.state in ("running", "stopping") else status

    def _fraction(self) -> float:
        """The share of the epochs of its runs that are over."""
        members, done = self.members(), self.done
        shares = [1.0 if name in done else 0.95 * glance(run).fraction for name, run in members.items()]
        return sum(shares) / max(1, len(shares))


def named(workspace: Workspace, config: RunConfig, names: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Names of runs that are still to be made, and ids for them."""
    ids = dict[str, None]()
    while len(ids) < len(names):
        ids[Run.new_for(workspace, config).id] = None
    return tuple(zip(names, ids, strict=True))


def spread(wanted: str, number: int, gpus: int) -> str:
    """The device of run ``number``: GPUs in turn where there are several and the choice is the lab's, else what is wanted."""
    return f"cuda:{number % gpus}" if gpus > 1 and wanted in ("auto", "cuda") else wanted


def about(config: RunConfig) -> str:
    """What becomes part of the id of a job of these settings: the name of the data set."""
    return slug(Path(config.data.dataset).stem or "data", 24)


def ready(job: MembersJob[Any], place: str | None) -> None:
    """Prepare a job that is to go on: runs that are missing are made. Called with its lock held.

    Args:
        place: where the data set of the runs lies now, by name or path, where it was moved.

    Raises:
        DatasetError: there is no data set, or one of other clips than a run has begun with.
        RunError: the job cannot be read.
    """
    from labcore.datasets.resuming import move

    if place is not None:
        config = move(job.children(), job.workspace, job.config, place)
        moved = job.plan.model_copy(update={"config": config.model_dump(mode="json")})
        job.save(job.kind.stem, moved.model_dump(mode="json"))
    job.make_missing()
