"""A profile as a job: the clips of a data set are measured, or arranged on a map (:mod:`labcore.explore.clips.profile_work`).

::

    profiles/<id>/
      profile.json     what was asked for

What comes of it lies in the cache. The last jobs are kept, and no backup holds them. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from labcore.jobs.kind import Kind
from labcore.jobs.planned import PlainJob
from labcore.jobs.status import JobRequest


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
class Profile(PlainJob[ProfilePlan]):
    """A profile by its directory."""

    kind: ClassVar[Kind] = Kind(
        "profile", "profiles", file="profile.json", work="labcore.explore.clips.profile_work:work", short=True
    )
    plan_of = ProfilePlan

    @classmethod
    def about(cls, plan: ProfilePlan) -> str:
        return plan.dataset

    def request(self) -> JobRequest:
        return JobRequest(self.plan.dataset)
