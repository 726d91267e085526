"""A test with hidden classes, as a job that looks after its runs: each is trained without one of the classes of a finished run.

::

    hidden/<id>/
      hidden.json          the run, the share of known clips that may be refused, and label → id of the run without that class
    runs/<id>/
      hidden.json          of each of its runs: which test it is of, and which class it is without

The figures are events, one a class (:class:`ClassHidden`). It is there before its runs, with their ids, as a cross-validation is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from labcore.config import RunConfig, parse
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.evaluation.refusal import LARGEST, REFUSED, require_share
from labcore.events import JOB_KINDS
from labcore.hidden.events import ClassHidden, ClassProgress
from labcore.hidden.recipe import hideable, left_to_the_lab, recipe_of
from labcore.jobs.event_log import log_of
from labcore.jobs.folder import NOTHING
from labcore.jobs.glances import glance
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.naming import is_id
from labcore.jobs.planned import PlannedJob
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.owners import clean
from labcore.runs import Run
from labcore.runs.asked import NAME as ASKED
from labcore.runs.asked import live_changes_of
from labcore.runs.origin import HIDDEN
from labcore.runs.title import title_of
from labcore.texts import counted, shown
from labcore.workspace import Workspace, slug


def _an_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("it names no run of this workspace")
    return text


RunId = Annotated[str, AfterValidator(_an_id)]


class HiddenPlan(BaseModel):
    """What was asked for.

    Attributes:
        run: the id of the run whose classes are hidden, one at a time.
        refused: the share of clips of known classes that may be refused wrongly.
        config: what its runs have in common.
        asked: which of that was left to the lab, see :mod:`labcore.runs.asked`.
        members: label and id of the run without that class.
        by: whose it is.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    run: RunId
    refused: Annotated[float, Field(ge=0, le=LARGEST)] = REFUSED
    config: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    members: tuple[tuple[str, RunId], ...] = ()
    by: str = ""


@dataclass(frozen=True)
class HiddenClasses(PlannedJob[HiddenPlan]):
    """A test with hidden classes by its directory."""

    kind: ClassVar[Kind] = Kind(
        "hidden-class test",
        "hidden",
        file="hidden.json",
        events={**JOB_KINDS, "class_progress": ClassProgress, "class_hidden": ClassHidden},
        work="labcore.hidden.driver:work",
        ready="labcore.hidden.job:ready",
    )
    plan_of = HiddenPlan

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        run: Run,
        classes: Sequence[str] = (),
        refused: float = REFUSED,
        *,
        queued: bool = False,
        by: str = "",
    ) -> HiddenClasses:
        """Make a test and its runs, which wait in the queue. Not queued, the test is driven by who makes it.

        Args:
            run: a finished one; its recipe, fold and seed are those of all runs.
            classes: which are hidden, each by itself; all that can be where none is given.
            refused: the share of clips of known classes that may be refused wrongly, from 0 to 0.5.

        Raises:
            ConfigError: no such share.
            RunError: the run has no weights or no embeddings, or is an ensemble.
            DatasetError: a class is none of the run's, or cannot be hidden; or the data set is gone.
            WorkspaceError: the workspace cannot be written.
        """
        require_share(refused)
        from labcore.crossval.job import new_ids

        config = recipe_of(run)
        there = hideable(run)
        for label in classes:
            if (why := there.get(label, "it is none of the run's classes")) != "":
                raise DatasetError(f"the class {shown(label)} cannot be hidden: {why}", "Choose another class")
        chosen = list(dict.fromkeys(classes)) or [label for label, why in there.items() if not why]
        if not chosen:
            raise DatasetError(f"no class of run {run.id} can be hidden: {next(iter(there.values()))}", "Add clips")
        plan = HiddenPlan(
            run=run.id,
            refused=refused,
            config=config.model_dump(mode="json"),
            asked=left_to_the_lab(run),
            members=tuple(zip(chosen, new_ids(workspace, config, len(chosen)), strict=True)),
            by=clean(by),
        )
        about = slug(Path(config.data.dataset).stem or "data")[:24]
        test = cls.planned(workspace, about, plan, queued=queued, by=by)
        test.make_missing()
        return test

    def make_missing(self) -> None:
        """Make the runs that are not there, in the queue: of a new test, of one whose making was cut short, and those that were deleted.

        Raises:
            RunError: the test cannot be read.
            WorkspaceError: the workspace cannot be written.
        """
        from labcore.crossval.job import spread
        from labcore.datasets.corrections import marks_of
        from labcore.device import gpu_count

        plan, config = self.plan, self.config
        base = Run(self.workspace.runs / plan.run)
        gpus = gpu_count() if config.runtime.device in ("auto", "cuda") else 0
        for number, (label, run) in enumerate(self.members().items()):
            if run.there:
                continue
            device = spread(config.runtime.device, number, gpus)
            asked = plan.asked | ({"runtime.device": config.runtime.device} if device != config.runtime.device else {})
            marks: dict[str, Any] = {HIDDEN: {"hidden": self.id, "class": label}, **marks_of(base)}
            marks |= {ASKED: asked} if asked else {}
            changes = {"data.exclude_classes": [*config.data.exclude_classes, label], "runtime.device": device}
            Run.create(self.workspace, config.replace(changes), queued=True, marks=marks, by=self.owner, path=run.path)
            for epoch, changed in sorted(live_changes_of(base.events()).items() if base.there else ()):
                run.override(changed, by="command", epoch=epoch)

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
        return super().owner or clean(self.load("hidden", {}).get("by"))

    @property
    def needs(self) -> str:
        return NOTHING

    def request(self) -> JobRequest:
        plan, config = self.plan, self.config
        asked = config.replace(plan.asked)
        many = counted(len(plan.members), "hidden class", "hidden classes")
        return JobRequest(
            config.data.dataset, config.model.name, config.optim.epochs or 0, fold=config.data.fold or "",
            title=title_of(asked, more=[many], epochs=config.optim.epochs), parts=len(plan.members),
        )  # fmt: skip

    def members(self) -> dict[str, Run]:
        """Hidden class → the run without it, which may have been deleted by now.

        Raises:
            RunError: the test cannot be read.
        """
        return {label: Run(self.workspace.runs / run_id) for label, run_id in self.plan.members}

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
        members, done = self.members(), self.results
        shares = [1.0 if label in done else 0.95 * glance(run).fraction for label, run in members.items()]
        return sum(shares) / max(1, len(shares))

    @property
    def results(self) -> dict[str, ClassHidden]:
        """Hidden class → what came of it, in the order of the classes, for those whose run has been looked at.

        Raises:
            RunError: the test cannot be read.
        """
        told = {event.run_id: event for event in self.events() if isinstance(event, ClassHidden)}
        return {label: told[run.id] for label, run in self.members().items() if run.id in told}

    @classmethod
    def of_run(cls, run: Run) -> list[HiddenClasses]:
        """All of a run, newest first. What cannot be read is left out."""
        return [test for test in cls.every(run.workspace) if test.load("hidden", {}).get("run") == run.id]


def ready(test: HiddenClasses, place: str | None) -> None:
    """Prepare a test that is to go on: runs that are missing are made. Called with its lock held.

    Args:
        place: where the data set of the runs lies now, by name or path, where it was moved.

    Raises:
        DatasetError: there is no data set, or one of other clips than a run has begun with.
        RunError: the test cannot be read.
    """
    from labcore.datasets.resuming import move

    if place is not None:
        config = move(test.children(), test.workspace, test.config, place)
        test.save(
            "hidden", test.plan.model_copy(update={"config": config.model_dump(mode="json")}).model_dump(mode="json")
        )
    test.make_missing()
