"""Deleting what the list of runs shows, and putting it back: what consists of runs goes and comes with them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from labcore.catalogue.rows import parts_of
from labcore.errors import RunError
from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import PARENTS, folder_class, names
from labcore.jobs.manager import JobManager
from labcore.jobs.naming import LAST, named
from labcore.jobs.trash import Deleted, deleted, empty, put_back
from labcore.runs import Run
from labcore.runs.origin import belonging
from labcore.workspace import Workspace


def listed(workspace: Workspace) -> list[JobFolder]:
    """All jobs that the list shows: the runs, newest first, then what consists of runs."""
    rooms = [room for room in PARENTS if names(workspace, room)]
    return [*Run.every(workspace), *(job for room in rooms for job in folder_class(room).every(workspace))]


def open_listed(workspace: Workspace, name: str) -> JobFolder:
    """A run, cross-validation or search, by its id, a part of it, its name, its folder, or ``last`` for the newest run.

    Raises:
        RunError: there is none of that name, or several.
    """
    return _of(listed(workspace), name)


def remove(manager: JobManager, job: JobFolder, *, by: str = "", for_good: bool = False) -> None:
    """Delete a job of the list with its parts; see :meth:`labcore.jobs.manager.JobManager.remove`.

    Raises:
        LabError: it is running, or gone.
    """
    manager.remove(job, also=parts_of(job), by=by, for_good=for_good)


def in_trash(workspace: Workspace) -> list[Deleted[JobFolder]]:
    """What was deleted from the list and can be put back, the last deleted first."""
    rooms = ["runs", *(room for room in PARENTS if names(workspace, room))]
    found: list[Deleted[Any]] = [thing for room in rooms for thing in deleted(workspace, folder_class(room))]
    return sorted(found, key=lambda thing: thing.when, reverse=True)


def open_deleted(workspace: Workspace, name: str) -> Deleted[JobFolder]:
    """What is meant in the trash, by id, a part of it, name, or ``last`` for what was deleted last.

    Raises:
        RunError: there is none of that name, or several.
    """
    things = in_trash(workspace)
    if name == LAST and things:
        return things[0]
    try:
        job = _of([type(thing.job)(thing.path) for thing in things], name)
    except RunError as error:
        raise RunError(
            f"in the trash: {error.what}", "`labcore runs list --deleted` shows what can be put back"
        ) from error
    return next(thing for thing in things if thing.path == job.path)


def restore(workspace: Workspace, thing: Deleted[JobFolder]) -> list[JobFolder]:
    """Put something back from the trash, with its parts that lie there too; returns all that came back.

    Raises:
        WorkspaceError: it is gone, or something stands in its place.
    """
    parts = _parts(workspace, thing)
    job = put_back(thing)
    back = [job]
    for part in parts:
        with contextlib.suppress(RunError):
            back.append(put_back(part))
    return back


def forget(workspace: Workspace, thing: Deleted[JobFolder]) -> None:
    """Remove something from the trash for good, with its parts that lie there too."""
    empty([thing])
    empty(_parts(workspace, thing))


def _parts(workspace: Workspace, thing: Deleted[JobFolder]) -> list[Deleted[Run]]:
    if isinstance(thing.job, Run):
        return []
    return [part for part in deleted(workspace, Run) if belonging(Run(part.path))[0] == thing.job.id]


def _of(jobs: Sequence[JobFolder], name: str) -> JobFolder:
    for job in jobs:
        if name == str(job.path):
            return job
    return named(jobs, name, Run.kind)
