"""An import as a job: archives of a data set, unpacked into the workspace (:mod:`labcore.importing.work`).

::

    imports/<id>/
      import.json     the archive, and the name of the data set
      upload/         what was uploaded, until the data set is made of it

What it made, :class:`Imported`, is among the events. Until it is whole the data set lies in a hidden folder among the others, which goes
whatever happens; one that goes on begins anew. Needs no torch and no pandas.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from labcore.events import JOB_KINDS, Event
from labcore.jobs.kind import Kind
from labcore.jobs.planned import P, PlannedJob
from labcore.jobs.status import JobRequest
from labcore.workspace import Workspace

DRAFTS = ".import-"
"""What the names of folders of data sets begin with that are not whole yet; the id of the job follows."""
MAKERS = ("imports", "downloads")
"""Folders of the workspace with the jobs that make them."""


class ImportPlan(BaseModel):
    """What is unpacked, and what the data set is called.

    Attributes:
        path: absolute; of what was uploaded, what people call it.
        uploaded: it lies in the folder of the job.
        class_folders: which of two levels of folders are the classes.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    name: str
    uploaded: bool = False
    class_folders: Literal["outer", "inner"] = "outer"


class Imported(Event):
    """The data set that was made. ``warnings`` are what is to be told of it, a sentence each."""

    type: Literal["imported"] = "imported"
    name: str
    path: str
    layout: str
    clips: int
    classes: int
    files: int
    bytes: int
    warnings: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class SetMaker(PlannedJob[P]):
    """A job that makes a data set out of an archive."""

    @property
    def draft_of_set(self) -> Path:
        """Where the data set lies until it is whole."""
        return self.workspace.datasets / f"{DRAFTS}{self.id}"

    def delete(self) -> None:
        """With what a killed process left of its data set.

        Raises:
            LabError, WorkspaceError: as :meth:`labcore.jobs.folder.JobFolder.delete`.
        """
        super().delete()
        shutil.rmtree(self.draft_of_set, ignore_errors=True)

    @property
    def result(self) -> Imported | None:
        """What it made, once it is there."""
        return self.last_event(Imported)


@dataclass(frozen=True)
class Import(SetMaker[ImportPlan]):
    """An import by its directory."""

    kind: ClassVar[Kind] = Kind(
        "import",
        "imports",
        file="import.json",
        events={**JOB_KINDS, "imported": Imported},
        work="labcore.importing.work:work",
    )
    plan_of = ImportPlan

    @property
    def upload(self) -> Path:
        """Where what was uploaded lies."""
        return self.path / "upload"

    @classmethod
    def create(
        cls, workspace: Workspace, plan: ImportPlan, upload: Path | None = None, *, queued: bool = False, by: str = ""
    ) -> Import:
        """Make a new one. Not queued, it is started by who makes it; ``by`` as for :meth:`draft`.

        Args:
            upload: a folder with what was uploaded, which becomes the job's.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """

        def take(draft: Import) -> None:
            if upload is not None:
                shutil.move(upload, draft.upload)

        return cls.planned(workspace, plan.name, plan, take, queued=queued, by=by)

    def call(self, name: str) -> None:
        """Give the data set another name, for the next try of one that did not finish; what was uploaded stays.

        Raises:
            DatasetError: the name is that of another data set.
            LabError, WorkspaceError: the import is running or gone, or the workspace cannot be written.
        """
        from labcore.datasets.names import require_free

        require_free(self.workspace, name, None)
        with self.at_rest():
            self.save(self.kind.stem, self.plan.model_copy(update={"name": name}).model_dump(mode="json"))

    def request(self) -> JobRequest:
        plan = self.plan
        return JobRequest(plan.name, title=f"{plan.name} from {Path(plan.path).name}")
