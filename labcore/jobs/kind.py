"""What the jobs of a kind have in common, and the table of the kinds there are.

Whoever looks after jobs knows them by this table alone. A new kind is a file with its :class:`~labcore.jobs.folder.JobFolder` and its
work, and a line here.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from labcore.errors import LabError, RunError
from labcore.events import JOB_KINDS, Kinds
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.jobs.folder import JobFolder

TABLE = {
    "runs": "labcore.runs:Run",
    "searches": "labcore.search.folder:Search",
    "experiments": "labcore.crossval.job:CrossValidation",
    "hidden": "labcore.hidden.job:HiddenClasses",
    "curves": "labcore.curve.job:LearningCurve",
    "reports": "labcore.benchmark.job:Benchmark",
    "evaluations": "labcore.evaluation.jobs:Evaluation",
    "noise": "labcore.evaluation.robustness:RobustnessTest",
    "alarms": "labcore.alarms.job:AlarmTest",
    "estimates": "labcore.training.estimates:EstimateJob",
    "imports": "labcore.importing.job:Import",
    "downloads": "labcore.downloads.job:Download",
    "checks": "labcore.checking:Check",
    "profiles": "labcore.explore.clips.profile:Profile",
}
"""Folder of the workspace → module and class of the jobs in it."""
PARENTS = ("experiments", "searches", "hidden", "curves")
"""Folders of jobs that consist of runs."""
LASTING = ("runs", *PARENTS)
"""Folders of runs and of these: there are many of them, and what was deleted can be put back. The others are made again in no time."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of job.

    Attributes:
        name: what it is called in sentences.
        room: the folder of the workspace in which its jobs lie.
        listed: the command that lists them.
        file: what was asked for; marks a folder as a job.
        traces: other files that tell what a folder without that one was.
        log: what the process printed.
        events: those that it tells.
        error: raised where a job is not there, or in the wrong state for what was asked.
        work: ``module:function`` of the work, see :data:`labcore.jobs.process.Work`; "" where it has none of its own.
        lead: ``module:function`` that takes the work up in several processes, where that was asked for.
        ready: ``module:function`` called with a job that is to go on, and a new place of its data set or None; raises what hinders it.
    """

    name: str
    room: str
    listed: str = "labcore jobs list"
    file: str = "config.json"
    traces: tuple[str, ...] = ("events.jsonl",)
    log: str = "job.log"
    events: Kinds = field(default_factory=lambda: JOB_KINDS)
    error: type[LabError] = RunError
    work: str = ""
    lead: str = ""
    ready: str = ""
    resumes: bool = True
    """Whether one that was stopped can go on."""
    short: bool = False
    """Whether only the newest of those that have ended stay (:data:`labcore.jobs.folder.KEPT`)."""

    @property
    def stem(self) -> str:
        """The name of its file, as :meth:`labcore.jobs.folder.JobFolder.load` takes it."""
        return os.path.splitext(self.file)[0]  # noqa: PTH122

    @property
    def again(self) -> str:
        """What to do once the cause of a failure is mended."""
        return "resume it" if self.resumes else "start it again"

    @property
    def plural(self) -> str:
        return f"{self.name}es" if self.name.endswith("ch") else f"{self.name}s"


def load(place: str) -> Any:
    """What ``module:name`` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@cache
def folder_class(room: str) -> type[JobFolder]:
    """The class of the jobs in a folder of the workspace.

    Raises:
        KeyError: no jobs lie there.
    """
    return load(TABLE[room])


def working_kinds(workspace: Workspace) -> list[type[JobFolder]]:
    """The kinds with work of their own of which there are jobs. Others are not loaded."""
    rooms = (room for room in TABLE if names(workspace, room))
    return [kind for room in rooms if (kind := folder_class(room)).kind.work]


def names(workspace: Workspace, room: str) -> list[str]:
    """What lies in a folder of the workspace; nothing where it is not there."""
    try:
        return os.listdir(f"{workspace.home}/{room}")  # noqa: PTH208
    except OSError:
        return []
