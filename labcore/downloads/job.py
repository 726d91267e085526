"""A download of a standard data set as a job (:mod:`labcore.downloads.work`).

::

    downloads/<id>/
      download.json     the data set, its name in the workspace, the licence that was accepted

What it made, :class:`~labcore.importing.job.Imported`, is among the events. What came of the archive lies in the workspace's cache
(:mod:`labcore.downloads.places`), so that any later download goes on with it. Needs no torch and no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from labcore.errors import DatasetError
from labcore.events import JOB_KINDS
from labcore.importing.job import Imported, SetMaker
from labcore.jobs.kind import Kind
from labcore.jobs.status import RESUMABLE, JobRequest
from labcore.standard_sets import standard_set
from labcore.workspace import Workspace


class DownloadPlan(BaseModel):
    """What is downloaded.

    Attributes:
        dataset: the standard set.
        name: what it is called in the workspace.
        licence: the one that was accepted, which has to be that of the set.
        file: an archive that is there already, an absolute path; "" for none.
        url: where to download from, in place of the mirror or the address where it is published.
        checksum: of the archive, in place of the published one.
        keep: whether the archive stays once the data set is made.
    """

    model_config = ConfigDict(frozen=True)

    dataset: str
    name: str
    licence: str
    file: str = ""
    url: str = ""
    checksum: str = ""
    keep: bool = False


@dataclass(frozen=True)
class Download(SetMaker[DownloadPlan]):
    """A download by its directory."""

    kind: ClassVar[Kind] = Kind(
        "download",
        "downloads",
        file="download.json",
        events={**JOB_KINDS, "imported": Imported},
        work="labcore.downloads.work:work",
    )
    plan_of = DownloadPlan

    @classmethod
    def create(cls, workspace: Workspace, plan: DownloadPlan, *, queued: bool = False, by: str = "") -> Download:
        """Make a new one, or take up one that asked for the same and was not finished. Not queued, it is started by who makes it; ``by`` as
        for :meth:`draft`.

        Raises:
            DatasetError: there is no such set, or its licence was not accepted.
            WorkspaceError: the workspace cannot be written.
        """
        require_accepted(plan)
        if not queued:
            for before in cls.every(workspace):
                if before.load("download") == plan.model_dump() and before.status().state in RESUMABLE:
                    before.clear_stop()
                    return before
        return cls.planned(workspace, plan.name, plan, queued=queued, by=by)

    def request(self) -> JobRequest:
        plan = self.plan
        return JobRequest(plan.name, title=f"{standard_set(plan.dataset).title} as {plan.name}")


def require_accepted(plan: DownloadPlan) -> None:
    """Raises DatasetError where the licence of the set is not the one that was accepted, or there is no such set."""
    about = standard_set(plan.dataset)
    if plan.licence != about.licence:
        raise DatasetError(
            f"{about.title} is under the licence {about.licence}, which was not accepted",
            f"Read it at {about.page}, and accept it with --accept-licence",
        )
