"""A benchmark as a job that needs the whole machine, and its report on disk. Needs no torch.

Beside what every job has (:mod:`labcore.jobs.folder`)::

    reports/<id>/
      plan.json      what is to be measured
      beside.json    there where it was told to measure beside whatever is running
      machine.json   what it was measured on: no names of users, hosts or folders
      origin.json    of an upload: when it was measured
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pydantic import ValidationError

from labcore.benchmark.events import (
    EVENTS,
    MOST_TEXT,
    BenchmarkFinished,
    BenchmarkProgress,
    BenchmarkStarted,
    BenchmarkWaiting,
    CpuTuned,
    Measurement,
    PeakMeasured,
)
from labcore.benchmark.plan import BenchmarkPlan
from labcore.benchmark.report import MACHINES, BenchmarkReport, ReportError
from labcore.errors import LabError
from labcore.events import Started, each_of, last_of
from labcore.jobs.folder import MACHINE, NOTHING, JobFolder, this_process
from labcore.jobs.kind import Kind
from labcore.jobs.listing import reason
from labcore.jobs.queue import QueueState
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.owners import clean
from labcore.reading import LATEST, read_object
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace, slug


@dataclass(frozen=True)
class Benchmark(JobFolder):
    """A benchmark by its directory."""

    kind: ClassVar[Kind] = Kind(
        "benchmark",
        "reports",
        listed="labcore benchmark --list",
        file="plan.json",
        traces=("events.jsonl", "machine.json"),
        events=EVENTS,
        error=ReportError,
        work="labcore.benchmark.run:work",
        resumes=False,
    )

    @classmethod
    def create(
        cls, workspace: Workspace, plan: BenchmarkPlan, *, queued: bool = False, beside: bool = False, by: str = ""
    ) -> Benchmark:
        """Make a new one. The machine is described by who measures.

        Args:
            queued: it waits for a job manager. Otherwise who makes it also starts it.
            beside: measure beside whatever is running; the figures are then marked as disturbed.
            by: who asks for it, where it is queued; else its first :class:`BenchmarkStarted` tells.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        benchmark = cls.new(workspace, f"benchmark-{slug(plan.name, 40)}")
        with benchmark.draft(queued=queued, by=by) as draft:
            draft.save("plan", plan.to_dict())
            if beside:
                draft.save("beside", True)
        return benchmark

    @classmethod
    def keep(cls, workspace: Workspace, report: BenchmarkReport) -> Benchmark:
        """Put a report from elsewhere (an upload) into the workspace, under a new id.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        benchmark = cls.new(workspace, f"benchmark-{slug(report.plan.name, 40)}", report.created)
        with benchmark.draft() as draft:
            draft.save("plan", report.plan.to_dict())
            draft.save("machine", report.machine)
            draft.save("origin", {"created": report.created, "uploaded": True})
            end = draft.finished(report.state, error=report.error, remedy=report.remedy, seconds=report.seconds)
            for event in (*report.figures, end):
                draft.append(event)
        return benchmark

    @property
    def needs(self) -> str:
        return NOTHING if self.load("beside") else MACHINE

    def request(self) -> JobRequest:
        _ = self.plan
        return JobRequest()

    @property
    def plan(self) -> BenchmarkPlan:
        """Raises ReportError where it cannot be read."""
        try:
            return BenchmarkPlan.from_dict(read_object(self.path / "plan.json"))
        except (OSError, LabError) as error:
            raise ReportError(f"the plan of report {self.id} cannot be read: {reason(error)}") from error

    @property
    def uploaded(self) -> bool:
        return (self.path / "origin.json").exists()

    def status(self, story: Story | None = None) -> JobStatus:
        status = super().status(story)
        told = last_of(self.events(), BenchmarkProgress) if status.state in ("running", "stopping") else None
        if told is None:
            return status
        return replace(status, fraction=min(1.0, told.done / max(1, told.total)), seconds_left=told.seconds_left)

    def report(self) -> BenchmarkReport:
        """The report as it stands now.

        Raises:
            ReportError: its plan cannot be read.
        """
        plan, events, status = self.plan, self.events(), self.status()
        end = last_of(events, BenchmarkFinished)
        return BenchmarkReport(
            id=self.id,
            created=_created(self),
            plan=plan,
            machine=self._machine(),
            measurements=tuple(each_of(events, Measurement)),
            tunings=tuple(each_of(events, CpuTuned)),
            peaks=tuple(each_of(events, PeakMeasured)),
            state=status.state,
            error=status.error,
            remedy=status.remedy,
            seconds=end.seconds if end else 0.0,
            progress=last_of(events, BenchmarkProgress),
            by=self.owner,
        )

    def _machine(self) -> dict[str, Any]:
        """What it was measured on; empty where that cannot be read."""
        try:
            return MACHINES.validate_python(self.load("machine", {}))
        except ValidationError:
            return {}

    def queued(self, by: str = "") -> BenchmarkWaiting:
        return BenchmarkWaiting(by=clean(by))

    def started(self, by: str = "") -> BenchmarkStarted:
        plan = self.plan
        return BenchmarkStarted(**this_process(), by=clean(by), cases=len(plan.cases), seconds=plan.seconds)

    def finished(self, state: str, **facts: Any) -> BenchmarkFinished:
        texts = {name: str(facts.get(name, "")) for name in ("error", "remedy")}
        # The report is handed around, and names no folders.
        facts |= {name: text.replace(str(self.path), self.id)[:MOST_TEXT] for name, text in texts.items()}
        return BenchmarkFinished(state=state, **facts)

    def kill(self) -> None:
        """End its process at once, where it was asked to stop and does not.

        Raises:
            ReportError: no process of this machine is known to work on it.
        """
        import psutil

        started = last_of(self.events(), Started)
        if started is None or not self.held:
            raise ReportError(f"{self.title} has no running process")
        try:
            process = psutil.Process(started.pid)
            # The number may belong to somebody else by now, or to another container.
            if str(self.path) not in process.cmdline():
                raise ReportError(f"the process of {self.title} runs elsewhere", "Stop it where it was started")
            process.kill()
        except psutil.Error as error:
            raise ReportError(f"the process of {self.title} cannot be stopped: {error}") from error


def busy_reason(workspace: Workspace) -> str:
    """What a benchmark that is asked for now would wait for, in words; empty where it would begin at once."""
    ahead = QueueState(workspace).before(MACHINE)
    working = [job for job in ahead if job.held]
    if working:
        return f"{working[0].title} is running" if len(working) == 1 else f"{len(working)} jobs are running"
    if ahead:
        return f"{ahead[0].title} is queued" if len(ahead) == 1 else f"{len(ahead)} jobs are queued"
    return ""


def active_run(workspace: Workspace) -> Run | None:
    """A training run that is running now, with which a benchmark would share the machine."""
    return next((run for run in list_runs(workspace) if run.held), None)


def _created(benchmark: Benchmark) -> float:
    told = benchmark.load("origin", {}).get("created")
    if isinstance(told, (int, float)) and 0 <= told <= LATEST:
        return float(told)
    try:
        return time.mktime(time.strptime(benchmark.id[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return 0.0
