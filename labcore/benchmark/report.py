"""A benchmark's report: on disk while it is measured, and as one file to hand around. Needs no torch.

::

    reports/<id>/
      plan.json      what is to be measured
      owner          who asked for it; stays here when the report is handed around
      machine.json   what it was measured on: no names of users, hosts or folders
      events.jsonl   one event a line (labcore.benchmark.events), measurements among them, appended as they are made
      job.log        what a background job printed
      lock           held by who measures
      stop           there when it is asked to stop
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from labcore.benchmark.events import (
    EVENTS,
    BenchmarkEvent,
    BenchmarkFinished,
    BenchmarkWaiting,
    CpuTuned,
    LifeEvent,
    Measurement,
    PeakMeasured,
    Progress,
)
from labcore.benchmark.exchange import FORMAT, machine_from, report_from
from labcore.benchmark.plan import Plan
from labcore.errors import LabError, WorkspaceError
from labcore.events import Event, each_of, last_of, parse
from labcore.listing import Unreadable, folders_with, reason, strays
from labcore.people import clean, sign, signer
from labcore.reading import LATEST, DamagedError, read_file, read_object
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace, append_line, is_locked, is_no_file, slug, write_atomically

ENDED = ("finished", "stopped", "failed", "interrupted")


class ReportError(LabError):
    """A benchmark report that is not there, cannot be read, or is in the wrong state for what was asked."""


@dataclass(frozen=True)
class BenchmarkReport:
    """A report as it stands. Immutable: :meth:`ReportFolder.load` gives a fresh one.

    ``machine`` maps ``devices`` (list of ``{"device", "name", …}``), ``torch``, ``system`` … as
    :func:`labcore.benchmark.machine.describe` gives it. ``state`` is waiting, running, stopping, finished, stopped,
    failed or interrupted; ``by`` asked for it, where known; ``progress`` is the last ``progress`` event, or None.
    """

    id: str
    created: float
    plan: Plan
    machine: dict[str, Any]
    measurements: tuple[Measurement, ...] = ()
    tunings: tuple[CpuTuned, ...] = ()
    peaks: tuple[PeakMeasured, ...] = ()
    state: str = "finished"
    why: str = ""
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0
    progress: Progress | None = None
    by: str = ""

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    @property
    def figures(self) -> tuple[BenchmarkEvent, ...]:
        """Everything that was measured."""
        return (*self.peaks, *self.tunings, *self.measurements)

    @property
    def title(self) -> str:
        """What it is of, in a line: ``Intel Xeon, 2 cores · quick · 2026-11-23 18:04``."""
        names = [str(device.get("name", device.get("device", "?"))) for device in self.machine.get("devices", [])]
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.created))
        return " · ".join([*(names or ["unknown machine"]), self.plan.name, when])

    def device_name(self, device: str) -> str:
        """What a device of this report calls itself."""
        for known in self.machine.get("devices", []):
            if known.get("device") == device:
                return str(known.get("name", device))
        return device

    def to_json(self) -> str:
        """The report as one file, for :meth:`from_json` here or on another machine."""
        tree = {
            "format": FORMAT,
            "id": self.id,
            "created": self.created,
            "state": "interrupted" if self.active else self.state,
            "error": self.error,
            "remedy": self.remedy,
            "seconds": self.seconds,
            "machine": self.machine,
            "plan": self.plan.to_dict(),
            "events": [event.facts() for event in self.figures],
        }
        return json.dumps(tree, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, content: str | bytes) -> BenchmarkReport:
        """A report from what :meth:`to_json` made; nothing in it is trusted.

        Raises:
            ReportError: it is no report of this lab, or a damaged one.
        """
        try:
            return cls(**report_from(content))
        except LabError as error:
            raise ReportError(f"this file is no benchmark report: {error.what}", error.remedy) from error


@dataclass(frozen=True)
class ReportFolder:
    """A report by its folder. Holds nothing in memory: everything reads the disk."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / "job.log"

    @classmethod
    def create(cls, workspace: Workspace, plan: Plan, *, waiting: str | None = None, by: str = "") -> ReportFolder:
        """A new folder, which appears whole. The machine is described by who measures.

        Args:
            waiting: why it is not started at once; None where who makes it also starts it.
            by: who asks for it.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        folder = cls(workspace.reports / _fresh_id(plan.name))
        files = {"plan.json": json.dumps(plan.to_dict()), "owner": clean(by)}
        return folder._appear(files, [] if waiting is None else [BenchmarkWaiting(why=waiting)])

    @classmethod
    def keep(cls, workspace: Workspace, report: BenchmarkReport) -> ReportFolder:
        """Put a report from elsewhere (an upload) into the workspace, under a new id.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        folder = cls(workspace.reports / _fresh_id(report.plan.name, report.created))
        facts = {"created": report.created, "uploaded": True}
        files = {
            "plan.json": json.dumps(report.plan.to_dict()),
            "machine.json": json.dumps(report.machine, ensure_ascii=False),
            "origin.json": json.dumps(facts),
        }
        end = BenchmarkFinished(state=report.state, error=report.error, remedy=report.remedy, seconds=report.seconds)
        return folder._appear(files, [*report.figures, end])

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> ReportFolder:
        """A report of the workspace by its id, or by the word ``last``.

        Raises:
            ReportError: there is none of that name.
        """
        for folder in list_reports(workspace):
            if name in ("last", folder.id):
                return folder
        raise ReportError(f"there is no benchmark report {name!r}", "`labcore benchmark --list` shows those there are")

    @property
    def plan(self) -> Plan:
        """Raises ReportError where it cannot be read."""
        try:
            return Plan.from_dict(read_object(self.path / "plan.json"))
        except (OSError, LabError) as error:
            raise ReportError(f"the plan of report {self.id} cannot be read: {reason(error)}") from error

    @property
    def by(self) -> str:
        """Who asked for it; "" where that is not known."""
        return signer(self.path / "owner")

    @property
    def uploaded(self) -> bool:
        return (self.path / "origin.json").exists()

    def save_machine(self, machine: dict[str, Any]) -> None:
        write_atomically(self.path / "machine.json", json.dumps(machine, indent=1, ensure_ascii=False))

    def append(self, event: Event) -> None:
        """Append an event. Only the holder of the lock does this, or who makes the folder or starts its job.

        Raises:
            WorkspaceError: the disk is full or the folder is gone.
        """
        append_line(self.path / "events.jsonl", event.to_json())

    def events(self) -> list[Event]:
        """All events, oldest first. A partial last line, and what is no event, are left out."""
        try:
            content = read_file(self.path / "events.jsonl")
        except (OSError, DamagedError):
            return []
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        return [event for line in lines if (event := parse(line, EVENTS)) is not None]

    def last_word(self) -> LifeEvent | None:
        """The last event of its life: waiting, started or finished."""
        return last_of(self.events(), LifeEvent)

    def load(self) -> BenchmarkReport:
        """The report as it stands now.

        Raises:
            ReportError: its plan cannot be read.
        """
        plan, held, events = self.plan, self.held, self.events()
        machine = _machine(_json(self.path / "machine.json"))
        life = last_of(events, LifeEvent)
        end = life if isinstance(life, BenchmarkFinished) else None
        waits = life if isinstance(life, BenchmarkWaiting) else None
        if end:
            state = end.state
        elif held:
            state = "stopping" if self.stop_requested else "running"
        else:
            state = "waiting" if waits else "interrupted"
        return BenchmarkReport(
            id=self.id,
            created=_created(self),
            plan=plan,
            machine=machine,
            measurements=tuple(each_of(events, Measurement)),
            tunings=tuple(each_of(events, CpuTuned)),
            peaks=tuple(each_of(events, PeakMeasured)),
            state=state,
            why=waits.why if waits else "",
            error=end.error if end else "",
            remedy=end.remedy if end else "",
            seconds=end.seconds if end else 0.0,
            progress=last_of(events, Progress),
            by=self.by,
        )

    @contextlib.contextmanager
    def hold(self, timeout: float = 1.0) -> Iterator[None]:
        """Hold the report's lock: who holds it measures.

        Raises:
            ReportError: another process or thread holds it, or the report is gone.
        """
        if not (self.path / "plan.json").is_file():
            raise ReportError(f"benchmark report {self.id} is not there any more")
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise ReportError(f"report {self.id} is being measured", "Stop it first") from error
        except OSError as error:
            raise ReportError(f"report {self.id} cannot be locked: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    @property
    def held(self) -> bool:
        """Whether some process or thread measures now."""
        return is_locked(self.path / "lock")

    def request_stop(self, by: str = "") -> None:
        """Ask whoever measures to stop after the case at hand. ``by`` is who asks."""
        with contextlib.suppress(OSError):
            sign(self.path / "stop", by)

    @property
    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    def clear_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the report.

        Raises:
            ReportError: it is being measured, or gone already.
            WorkspaceError: the workspace cannot be written.
        """
        trash = self.path.with_name(f".{self.id}.trash")
        with contextlib.nullcontext() if is_no_file(self.path / "lock") else self.hold(timeout=0.5):
            try:
                self.path.rename(trash)
            except OSError as error:
                raise WorkspaceError(f"report {self.id} cannot be removed: {error.strerror or error}") from error
        shutil.rmtree(trash, ignore_errors=True)

    def _appear(self, files: dict[str, str], events: list[Event]) -> ReportFolder:
        draft = ReportFolder(self.path.with_name(f".{self.id}.draft"))
        try:
            draft.path.mkdir(parents=True)
            for name, content in files.items():
                write_atomically(draft.path / name, content)
            for event in events:
                draft.append(event)
            draft.path.rename(self.path)
        except (OSError, WorkspaceError) as error:
            shutil.rmtree(draft.path, ignore_errors=True)
            if isinstance(error, WorkspaceError):
                raise
            raise WorkspaceError(f"the report {self.path} cannot be made: {error.strerror or error}") from error
        return self


def list_reports(workspace: Workspace) -> list[ReportFolder]:
    """All benchmark reports of a workspace, newest first."""
    return [ReportFolder(path) for path in folders_with(workspace.reports, "plan.json")]


def unreadable_reports(workspace: Workspace) -> list[Unreadable]:
    """What lies among the reports and cannot be read as one."""
    return strays(workspace.reports, "plan.json", "events.jsonl", "machine.json")


def active_run(workspace: Workspace) -> Run | None:
    """A training run that is at work now, with which a benchmark would share the machine."""
    return next((run for run in list_runs(workspace) if run.held), None)


def _fresh_id(name: str, created: float | None = None) -> str:
    return (
        f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(created))}-benchmark-{slug(name)[:40]}-{secrets.token_hex(2)}"
    )


def _created(folder: ReportFolder) -> float:
    told = _json(folder.path / "origin.json").get("created")
    if isinstance(told, (int, float)) and 0 <= told <= LATEST:
        return float(told)
    try:
        return time.mktime(time.strptime(folder.id[:15], "%Y%m%d-%H%M%S"))
    except (ValueError, OverflowError):
        return 0.0


def _json(path: Path) -> dict[str, Any]:
    """What a file holds; empty where it is not there, cannot be read or is something else."""
    try:
        return read_object(path)
    except (OSError, DamagedError):
        return {}


def _machine(content: dict[str, Any]) -> dict[str, Any]:
    """A description of a machine; empty where it is none."""
    try:
        return machine_from(content)
    except LabError:
        return {}
