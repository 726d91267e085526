"""Working on a job in the foreground."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labcore import errors, events
from labcore.cli.output import DONE, FAILED, INTERRUPTED, USAGE, JsonLines, complain, emit, say
from labcore.cli.progress import bars
from labcore.cli.reporter import ConsoleReporter
from labcore.cli.signals import stop_on_signals
from labcore.errors import LabError
from labcore.owners import shell_user
from labcore.runs import Run

if TYPE_CHECKING:
    from labcore.jobs.folder import JobFolder
    from labcore.jobs.process import Work
    from labcore.training.torchrun import Train

BAD_INPUT = {"AudioError", "ConfigError", "DatasetError", "DeviceError"}
"""Failures of a job that its user's input caused."""


def train_everywhere(run: Run, *, as_json: bool) -> int:
    """Train a run in the foreground: on all GPUs of this machine where that is its device and there are several, else in this process."""
    from labcore.training.torchrun import on_all_gpus

    arguments = ["-m", "labcore", "resume", str(run.path), *(["--json"] if as_json else [])]
    before = run.last_event(events.RunFinished)
    status = on_all_gpus(run.config.runtime.device, arguments)
    if status is None:
        return train_here(run, as_json=as_json)
    end = run.last_event(events.RunFinished)
    if end is None or end == before:  # process 0 was killed
        return status or FAILED
    return exit_status(end.state, end.details)


def train_here(run: Run, *, as_json: bool, train: Train | None = None) -> int:
    """Train a run in this process, as :func:`work_on` does.

    Args:
        train: the training loop, where it is not the lab's own for one process.
    """
    from labcore.training.job import working

    doing = working(train) if train else None
    return work_on(run, ConsoleReporter(), "stopping after this batch", as_json=as_json, doing=doing)


def work_on(
    job: JobFolder,
    report: Callable[[events.Event], None],
    stops: str,
    *,
    as_json: bool,
    doing: Work | None = None,
    resume: str = "labcore resume",
) -> int:
    """Work on a job in this process, report how it goes, and return the exit status. A closed stdout or stderr does not end the work.

    Args:
        report: tells people of an event.
        stops, doing: as for :func:`in_foreground`.
        resume: the command that continues it, before its id.

    Raises:
        LabError: the kind's own, where somebody else works on the job.
    """
    lines = JsonLines(as_json)

    def on_event(event: events.Event) -> None:
        report(event)
        lines.put(event.facts())

    end = in_foreground(job, on_event, stops, doing=doing)
    if end.error:
        return exit_status(end.state, end.details)
    if end.state == "stopped":
        early = ", with --more 16 it ends after 16 epochs more" if job.kind.room == "runs" else ""
        say(f"`{resume} {job.id}` continues it{early}")
        return INTERRUPTED
    if not as_json:
        emit(job.id)
    return DONE


def run_short(job: JobFolder, doing: Work | None = None) -> int:
    """Work on a new job in this process and return the exit status; its figures are left for the caller to print.

    One that cannot be done as it was asked for leaves nothing behind. ``doing`` as for :func:`in_foreground`.
    """
    end = in_foreground(job, ConsoleReporter(result=False), "stopping", doing=doing)
    if end.state == "stopped":
        say(how_to_resume(job))
        return INTERRUPTED
    if not end.error:
        return DONE
    complain(LabError(end.error, end.remedy))
    kind = str(end.details.get("kind"))
    if kind in ("WorkspaceError", "OutOfMemoryError", "NetworkError") or not hasattr(errors, kind):
        return FAILED
    job.delete()
    return USAGE


def in_foreground(
    job: JobFolder, on_event: Callable[[events.Event], None], stops: str, *, doing: Work | None = None
) -> events.Finished:
    """Work on a job in this process and return its end. Ctrl-C stops it soon; a second one kills.

    Args:
        stops: what Ctrl-C does, as it is told.
        doing: the work, where it is not that of the job's kind.

    Raises:
        LabError: the kind's own, where somebody else works on the job.
    """
    from labcore.jobs.process import work

    try:
        with stop_on_signals(f"{stops}; interrupt again to quit at once") as stopping:
            return work(job, stopping.is_set, on_event, doing=doing, by=shell_user())
    finally:
        bars.clear()


def how_to_resume(job: JobFolder) -> str:
    return f"`labcore {'resume' if job.kind.room == 'runs' else 'jobs resume'} {job.id}` continues it"


def exit_status(state: str, details: dict[str, Any]) -> int:
    """The exit status of a command that worked on a job until it was finished, stopped or failed."""
    if details.get("kind"):
        return USAGE if details.get("kind") in BAD_INPUT else FAILED
    return INTERRUPTED if state == "stopped" else DONE
