"""List, show, stop, resume and delete jobs of every kind: runs, cross-validations, searches, hidden-class tests,
learning curves, benchmarks, evaluations, robustness tests, false alarm tests, estimates, imports, downloads, checks
and profiles of data sets.

Examples:
  labcore jobs list --active
  labcore jobs show last --follow
  labcore jobs stop last
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from labcore.cli.foreground import exit_status, how_to_resume
from labcore.cli.output import DONE, USAGE, confirmed, duration, emit_json, facts_lines, say, tell, tell_list
from labcore.cli.parser import Parser, add_anyone, add_json, subcommands
from labcore.cli.reporter import ConsoleReporter
from labcore.cli.signals import stop_on_signals
from labcore.errors import LabError
from labcore.events import Event, Finished, Queued, RunFinished, RunQueued, RunStarted, Started
from labcore.jobs.event_log import EventReader
from labcore.jobs.folder import J, JobFolder
from labcore.jobs.glances import glance, glances
from labcore.jobs.kind import LASTING, TABLE, Kind, folder_class, load, names
from labcore.jobs.listing import Unreadable
from labcore.jobs.manager import JobManager
from labcore.jobs.naming import named
from labcore.jobs.status import JobStatus
from labcore.jobs.trash import KEPT_DAYS
from labcore.owners import is_anothers, require_owner, shell_user
from labcore.texts import counted, percent
from labcore.workspace import Workspace

FOLLOW_SECONDS = 0.3
ANY = Kind("job", "")
REPORTERS = {
    "reports": "labcore.cli.benchmark:tell_event",
    "noise": "labcore.cli.robustness:tell_event",
    "searches": "labcore.cli.search:tell_event",
    "hidden": "labcore.cli.runs_hidden:tell_event",
    "curves": "labcore.cli.curve:tell_event",
    "checks": "labcore.cli.checks:tell_event",
}
"""Folder of jobs → what tells people of the events that only these have."""
JOB = "id of a job or a part of it, or the word last"


def parser() -> Parser:
    parser = Parser(prog="labcore jobs", description=__doc__)
    actions = subcommands(
        parser,
        {
            "list": (show_list, "list jobs, newest first"),
            "show": (show, "show a job and its state"),
            "stop": (stop_named, "stop running jobs and cancel queued ones"),
            "resume": (resume, "put a stopped, failed or interrupted job back into the queue, and follow it"),
            "delete": (delete_named, "delete jobs and their files"),
        },
    )
    actions["list"].add_argument("--kind", choices=list(TABLE), action="append", help="list this kind only; repeatable")
    actions["list"].add_argument("--mine", action="store_true", help="list your own only, and those without an owner")
    actions["list"].add_argument("--active", action="store_true", help="list queued and running ones only")
    for name in ("show", "resume"):
        actions[name].add_argument("job", metavar="JOB", help=JOB)
    for name in ("stop", "delete"):
        actions[name].add_argument("jobs", metavar="JOB", nargs="+", help=JOB)
    actions["show"].add_argument("--follow", "-f", action="store_true", help="follow it until it ends")
    actions["resume"].add_argument(
        "--dataset", metavar="NAME", help="where its data set is now, by name or path, if it was moved"
    )
    actions["delete"].add_argument("--yes", "-y", action="store_true", help="do not ask for confirmation")
    for name in ("stop", "resume", "delete"):
        add_anyone(actions[name], name)
    for name in ("list", "show", "resume"):
        add_json(actions[name], "lines of JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    return arguments.does(Workspace.default(), arguments)


def kinds(workspace: Workspace) -> list[type[JobFolder]]:
    """The kinds of which there may be jobs."""
    return [folder_class(room) for room in TABLE if names(workspace, room)]


def open_job(workspace: Workspace, name: str) -> JobFolder:
    """A job of any kind by its id, a part of it, or the word last.

    Raises:
        RunError: there is none of that name, or several.
    """
    every = [job for kind in kinds(workspace) for job in kind.every(workspace)]
    return named(sorted(every, key=lambda job: job.id, reverse=True), name, ANY)


def own(chosen: Sequence[J], arguments: argparse.Namespace, what: str) -> list[J]:
    """Jobs, once it is clear that something may happen to all of them.

    Raises:
        NotYoursError: one is another person's, and --anyone was not given.
    """
    for each in chosen:
        if not arguments.anyone:
            require_owner(each.owner, shell_user(), each.title, f"Add --anyone to {what} it anyway")
    return list(chosen)


def brief(job: JobFolder, status: JobStatus) -> dict[str, Any]:
    """A job at a glance, as a line of ``jobs list --json``."""
    facts = (
        "stopped_by",
        "seconds_left",
        "accuracy",
        "mean_ap",
        "leaks",
        "trained_on",
        "error",
        "remedy",
        "changed_at",
    )
    return {
        "kind": job.kind.name,
        "job_id": job.id,
        "job_dir": str(job.path),
        "state": status.state,
        "by": status.by or job.owner,
        **{name: getattr(status, name) for name in facts},
        "fraction": status.share,
        "doing": status.preparing.what if status.preparing else "",
    }


def done_of(facts: dict[str, Any]) -> str:
    """How far a job is, as people read it, and with what."""
    return f"{percent(facts['fraction'], 0)} {facts['doing']}".rstrip()


def show_list(workspace: Workspace, arguments: argparse.Namespace) -> int:
    found: list[tuple[JobFolder, JobStatus]] = []
    broken: list[Unreadable] = []
    for kind in kinds(workspace):
        if not arguments.kind or kind.kind.room in arguments.kind:
            found += glances(workspace, kind)
            broken += kind.unreadable(workspace)
    found.sort(key=lambda each: each[0].id, reverse=True)
    listed = [(brief(job, status), status) for job, status in found if status.active or not arguments.active]
    listed = [each for each in listed if not (arguments.mine and is_anothers(each[0]["by"], shell_user()))]
    rows = []
    for facts, status in listed:
        done = done_of(facts) if status.active else None
        rows.append([facts["kind"], facts["job_id"], facts["state"], done, status.figure, facts["by"] or None])
    head = ["kind", "job", "state", "done", "accuracy", "by"]
    told = (facts for facts, _ in listed)
    return tell_list(
        told, head, rows, broken, "job_id", none=f"there are no jobs in {workspace.home}", as_json=arguments.json
    )


def show(workspace: Workspace, arguments: argparse.Namespace) -> int:
    job = open_job(workspace, arguments.job)
    if arguments.follow:
        return follow(job, arguments.json)
    status = glance(job)
    facts = brief(job, status) | {"children": [child.id for child in job.children()]}
    told = {"kind": job.kind.name, "id": job.id, "folder": job.path, "state": status.state, "by": facts["by"],
            "done": done_of(facts) if status.active else "",
            "left": status.seconds_left and duration(status.seconds_left), "error": status.error, "remedy": status.remedy,
            "of": ", ".join(facts["children"]), "log": job.log if job.log.exists() else ""}  # fmt: skip
    return tell(facts, *facts_lines(told), as_json=arguments.json)


def reporter_of(job: JobFolder) -> Callable[[Event], None]:
    """What tells people of the events of a job: what all have in common, then what only its kind has."""
    of_all, of_kind = ConsoleReporter(), load(REPORTERS[job.kind.room]) if job.kind.room in REPORTERS else None

    def both(event: Event) -> None:
        of_all(event)
        if of_kind is not None:
            of_kind(event)
        match event:
            case RunQueued() | RunStarted() | RunFinished():  # told already
                pass
            case Queued():
                say("queued")
            case Started():
                say(f"{job.title} in {job.path}")
            case Finished():
                say(f"{event.state}: {LabError(event.error, event.remedy)}" if event.error else event.state)

    return both


def watch(job: JobFolder, as_json: bool, reader: EventReader | None = None) -> Iterator[None]:
    """Report a job's events until it has ended. Yields after each look.

    Args:
        reader: has read what is not reported again; without one, the past is reported first.
    """
    reader, report = reader or job.reader(), reporter_of(job)
    while True:
        events = reader.read()
        for event in events:
            if as_json:
                emit_json(event.facts())
            report(event)
        if not events:
            if not job.there:
                raise job.kind.error(f"{job.title} no longer exists")
            if not job.status().active:
                return
        yield
        time.sleep(FOLLOW_SECONDS)


def follow(job: JobFolder, as_json: bool) -> int:
    for _ in watch(job, as_json):
        pass
    if job.status().state == "interrupted":
        say(f"interrupted; {how_to_resume(job)}")
    return DONE


def resume(workspace: Workspace, arguments: argparse.Namespace) -> int:
    """Put a job back into the queue and follow it; whoever looks after the queue works on it, this process where nobody does."""
    (job,) = own([open_job(workspace, arguments.job)], arguments, "resume")
    manager, asked, reader = JobManager(workspace), False, job.reader()
    reader.read()  # what was told when it happened
    try:
        manager.resume(job, by=shell_user(), dataset=arguments.dataset)
        with stop_on_signals("stopping; interrupt again to quit at once") as stopping:
            for _ in watch(job, arguments.json, reader):
                if stopping.is_set() and not asked:
                    asked = True
                    manager.stop(job, by=shell_user())
    finally:
        manager.close()
    end = job.last_event(Finished)
    return exit_status(job.status().state, end.details if end else {})


def stop_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    return stop(own([open_job(workspace, name) for name in arguments.jobs], arguments, "stop"))


def delete_named(workspace: Workspace, arguments: argparse.Namespace) -> int:
    return delete(own([open_job(workspace, name) for name in arguments.jobs], arguments, "delete"), arguments.yes)


def stop(chosen: Sequence[JobFolder]) -> int:
    manager = JobManager(Workspace.default(), background=False)
    for job in chosen:
        before = job.status().state
        manager.stop(job, by=shell_user())
        match before:
            case "queued":
                say(f"{job.id} was removed from the queue")
            case "running" | "stopping":
                say(f"{job.id} is stopping; {how_to_resume(job)}" if job.kind.resumes else f"{job.id} is stopping")
            case state:
                say(f"{job.id} is {state} already")
    manager.close()
    return DONE


def delete(chosen: Sequence[JobFolder], sure: bool) -> int:
    kept = all(each.kind.room in LASTING for each in chosen)
    refused = sure_to_delete([each.id for each in chosen], sure, for_good=not kept)
    if refused is not None:
        return refused
    manager = JobManager(Workspace.default(), background=False)
    for job in chosen:
        manager.remove(job, by=shell_user())
        say(f"deleted {job.id}")
    manager.close()
    return DONE


def sure_to_delete(things: Sequence[str], sure: bool, *, for_good: bool = False) -> int | None:
    """Ask whether things may be deleted, unless that was said already. None for yes, else the exit status."""
    if sure:
        return None
    after = "this cannot be undone" if for_good else f"they stay in the trash for {KEPT_DAYS:.0f} days"
    answer = confirmed(f"Delete {', '.join(things)}? {after[:1].upper()}{after[1:]}.")
    if answer is None:
        say(f"labcore: {counted(len(things), 'thing')} would be deleted; {after}. Add --yes to confirm.")
        return USAGE
    if answer:
        return None
    say("nothing was deleted")
    return DONE
