"""A profile as a job: the clips of a data set are measured, or arranged on a map (:mod:`labcore.explore.clips.profile_work`).

::

    profiles/<id>/
      profile.json     what was asked for

What comes of it lies in the cache. The last jobs are kept, and no backup holds them. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from labcore.errors import RunError
from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.status import JobRequest
from labcore.reading import DamagedError, read_object
from labcore.workspace import Workspace, slug

KEPT = 20
"""Of those that have ended the newest stay; older ones go when a new one is made."""


class ProfilePlan(BaseModel):
    """What to find out of the clips of a data set.

    Attributes:
        dataset: its name in the workspace, or an absolute path.
        map: whether they are arranged on a map; else they are measured.
        run: the id of the run whose embeddings are arranged; "" for mel statistics.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    map: bool = False
    run: str = ""


@dataclass(frozen=True)
class Profile(JobFolder):
    """A profile by its directory."""

    kind: ClassVar[Kind] = Kind(
        "profile", "profiles", file="profile.json", work="labcore.explore.clips.profile_work:work"
    )

    @classmethod
    def create(cls, workspace: Workspace, plan: ProfilePlan, *, queued: bool = False, by: str = "") -> Profile:
        """Make a new one; the oldest that has ended goes where there are many. Not queued, it is started by who makes it; ``by`` as for
        :meth:`draft`.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        job = cls.new(workspace, slug(plan.dataset)[:40])
        with job.draft(queued=queued, by=by) as draft:
            draft.save("profile", plan.model_dump())
        job.keep_newest(KEPT)
        return job

    @property
    def plan(self) -> ProfilePlan:
        """Raises RunError where it cannot be read."""
        try:
            return ProfilePlan.model_validate(read_object(self.path / self.kind.file))
        except (OSError, DamagedError, ValidationError) as error:
            raise RunError(f"{self.title} cannot be read: {reason(error)}") from error

    def asked(self) -> JobRequest:
        try:
            return JobRequest(self.plan.dataset, needs=self.needs)
        except RunError as error:
            return JobRequest(needs=self.needs, error=reason(error))
