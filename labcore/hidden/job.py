"""A test with hidden classes, as a job that looks after its runs: each is trained without one of the classes of a finished run.

::

    hidden/<id>/
      hidden.json          the run, the share of known clips that may be refused, and label → id of the run without that class
    runs/<id>/
      hidden.json          of each of its runs: which test it is of, and which class it is without

The figures are events, one a class (:class:`ClassHidden`). It is there before its runs, with their ids, as a cross-validation is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from labcore.errors import DatasetError
from labcore.evaluation.refusal import LARGEST, REFUSED, require_share
from labcore.events import JOB_KINDS, Event, Log
from labcore.hidden.events import ClassHidden, ClassProgress
from labcore.hidden.recipe import hideable, left_to_the_lab, recipe_of
from labcore.jobs.kind import Kind
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobRequest
from labcore.members.job import MembersJob, MembersPlan, RunId, about, named
from labcore.owners import clean
from labcore.runs import Run
from labcore.runs.asked import live_changes_of
from labcore.runs.origin import HIDDEN
from labcore.runs.title import title_of
from labcore.texts import counted, shown
from labcore.workspace import Workspace


class HiddenPlan(MembersPlan):
    """What was asked for. A run is named by the label of the class that it is without.

    Attributes:
        run: the id of the run whose classes are hidden, one at a time.
        refused: the share of clips of known classes that may be refused wrongly.
    """

    run: RunId
    refused: Annotated[float, Field(ge=0, le=LARGEST)] = REFUSED


@dataclass(frozen=True)
class HiddenClasses(MembersJob[HiddenPlan]):
    """A test with hidden classes by its directory."""

    kind: ClassVar[Kind] = Kind(
        "hidden-class test",
        "hidden",
        file="hidden.json",
        events={**JOB_KINDS, "class_progress": ClassProgress, "class_hidden": ClassHidden},
        work="labcore.members.driver:drive",
        ready="labcore.members.job:ready",
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
            members=named(workspace, config, chosen),
            by=clean(by),
        )
        test = cls.planned(workspace, about(config), plan, queued=queued, by=by)
        test.make_missing()
        return test

    @property
    def done(self) -> Collection[str]:
        return self.results

    def changes(self, name: str) -> dict[str, Any]:
        return {"data.exclude_classes": [*self.config.data.exclude_classes, name]}

    def marks(self, name: str) -> dict[str, Any]:
        from labcore.datasets.corrections import marks_of

        return {HIDDEN: {"hidden": self.id, "class": name}, **marks_of(self._base)}

    def words(self, name: str) -> str:
        return f"without {shown(name)}"

    def progress(self, name: str, run_id: str, epoch: int, epochs: int) -> ClassProgress:
        return ClassProgress(label=name, run_id=run_id, epoch=epoch, epochs=epochs)

    def looker(self) -> Callable[[str, Run, StopTest], Iterator[Event]]:
        from labcore.hidden.scoring import score

        refused = self.plan.refused

        def look(name: str, run: Run, should_stop: StopTest) -> Iterator[Event]:
            yield Log(message=f"comparing clips of {shown(name)} with those of the classes that run {run.id} knows")
            yield score(run, name, refused, should_stop)

        return look

    def begun(self, run: Run) -> None:
        base = self._base
        for epoch, changed in sorted(live_changes_of(base.events()).items() if base.there else ()):
            run.override(changed, by="command", epoch=epoch)

    @property
    def _base(self) -> Run:
        """The run whose classes are hidden. It may have been deleted by now."""
        return Run(self.workspace.runs / self.plan.run)

    def request(self) -> JobRequest:
        plan, config = self.plan, self.config
        asked = config.replace(plan.asked)
        many = counted(len(plan.members), "hidden class", "hidden classes")
        return JobRequest(
            config.data.dataset, config.model.name, config.optim.epochs or 0, fold=config.data.fold or "",
            title=title_of(asked, more=[many], epochs=config.optim.epochs), parts=len(plan.members),
        )  # fmt: skip

    @property
    def results(self) -> dict[str, ClassHidden]:
        """Hidden class → what came of it, in the order of the classes, for those whose run has been looked at.

        Raises:
            RunError: the test cannot be read.
        """
        told = {event.run_id: event for event in self.events() if isinstance(event, ClassHidden)}
        return {label: told[run.id] for label, run in self.members().items() if run.id in told}
