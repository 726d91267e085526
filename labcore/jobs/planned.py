"""Jobs whose file of what was asked for holds a plan, a pydantic model: made from one, and read as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from labcore.jobs.folder import JobFolder
from labcore.jobs.listing import reason
from labcore.reading import DamagedError, read_object
from labcore.workspace import Workspace, slug

if TYPE_CHECKING:
    from typing import Self

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class PlannedJob(JobFolder, Generic[P]):
    """What they have in common."""

    plan_of: ClassVar[type[Any]]

    @classmethod
    def of_run(cls, run: JobFolder) -> list[Self]:
        """All whose plan names a run, in its workspace, newest first. What cannot be read is left out."""
        return [job for job in cls.every(run.workspace) if job.load(cls.kind.stem, {}).get("run") == run.id]

    @classmethod
    def planned(
        cls,
        workspace: Workspace,
        about: str,
        plan: P,
        fill: Callable[[Self], None] = lambda draft: None,
        *,
        queued: bool = False,
        by: str = "",
    ) -> Self:
        """Make a new one; it appears whole or not at all. ``about`` becomes part of its id; the rest as for :meth:`draft`.

        Args:
            fill: puts more than the plan into it.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        job = cls.new(workspace, slug(about, 40))
        with job.draft(queued=queued, by=by) as draft:
            draft.save(cls.kind.stem, plan.model_dump(mode="json", by_alias=True))
            fill(draft)
        return job

    @property
    def plan(self) -> P:
        """What was asked for.

        Raises:
            LabError: the kind's own, where it cannot be read.
        """
        try:
            plan: P = self.plan_of.model_validate(read_object(self.path / self.kind.file))
        except (OSError, DamagedError, ValidationError) as error:
            what = f"{self.title} cannot be read: {reason(error)}"
            raise self.kind.error(what, "Delete it, or put its file back") from error
        return plan


@dataclass(frozen=True)
class PlainJob(PlannedJob[P]):
    """One that is made of its plan alone."""

    @classmethod
    def about(cls, plan: P) -> str:
        """What becomes part of the id of one that was asked for so."""
        raise NotImplementedError

    @classmethod
    def create(cls, workspace: Workspace, plan: P, *, queued: bool = False, by: str = "") -> Self:
        """Make a new one; it appears whole or not at all. Not queued, it is started by who makes it; ``by`` as for :meth:`draft`.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        return cls.planned(workspace, cls.about(plan), plan, queued=queued, by=by)
