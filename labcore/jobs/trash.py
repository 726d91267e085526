"""The trash: what somebody deleted stays a week, hidden beside the others of its kind, and can be put back as it was.

::

    <room>/.<id>.deleted/     the folder of the job
      deleted                 who deleted it; changed when it was

A backup leaves it out. Whoever looks after jobs empties it of what is older (:func:`sweep`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from labcore.errors import WorkspaceError
from labcore.jobs.folder import J
from labcore.owners import sign, signer
from labcore.workspace import Workspace

KEPT_DAYS = 7.0
"""So long a deleted job can be put back."""
DRAFT_SECONDS = 3600.0
"""A job that was not made within so long will not be."""
SUFFIX, NOTE = ".deleted", "deleted"


@dataclass(frozen=True)
class Deleted(Generic[J]):
    """A job in the trash: where it was, where it lies now, when it was deleted (seconds since 1970) and who did it."""

    job: J
    path: Path
    when: float
    by: str


def throw_away(job: J, by: str = "") -> None:
    """Put a job into the trash. Whoever looks finds all of it or nothing.

    Raises:
        LabError: the kind's own, where it is running, or gone already.
        WorkspaceError: the workspace cannot be written.
    """
    there = job.path.with_name(f".{job.id}{SUFFIX}")
    with job.at_rest():
        shutil.rmtree(there, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            (job.path / NOTE).unlink()
        sign(job.path / NOTE, by)  # before: what lies in the trash tells always since when
        job.path.rename(there)


def deleted(workspace: Workspace, kind: type[J]) -> list[Deleted[J]]:
    """What of a kind lies in the trash of a workspace, the last deleted first."""
    room = workspace.room(kind.kind.room)
    found = [_deleted(path, kind) for path in room.glob(f".*{SUFFIX}") if (path / kind.kind.file).is_file()]
    return sorted(found, key=lambda each: each.when, reverse=True)


def put_back(thing: Deleted[J]) -> J:
    """Put a job from the trash back to where it was; returns it.

    Raises:
        WorkspaceError: it is gone from the trash, or something stands in its place.
    """
    if os.path.lexists(thing.job.path):
        raise WorkspaceError(f"{thing.job.title} cannot be put back: something of that name is there already")
    with WorkspaceError.on_os_error(f"{thing.job.title} cannot be put back", "It may be gone from the trash"):
        thing.path.rename(thing.job.path)
        (thing.job.path / NOTE).unlink(missing_ok=True)
    return thing.job


def empty(things: Iterable[Deleted[J]]) -> None:
    """Remove things from the trash for good."""
    for thing in things:
        shutil.rmtree(thing.path, ignore_errors=True)


def sweep(room: Path) -> None:
    """Remove what a killed process left of jobs that it was making or removing, and what has been in the trash for long."""
    for left in room.glob(f".*{SUFFIX}"):
        if time.time() - _when(left) > KEPT_DAYS * 86400:
            shutil.rmtree(left, ignore_errors=True)
    for left in (*room.glob(".*.trash"), *room.glob(".*.draft")):
        with contextlib.suppress(OSError):
            if left.suffix == ".trash" or time.time() - left.stat().st_mtime > DRAFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _deleted(path: Path, kind: type[J]) -> Deleted[J]:
    job = kind(path.with_name(path.name.removeprefix(".").removesuffix(SUFFIX)))
    return Deleted(job, path, _when(path), signer(path / NOTE))


def _when(path: Path) -> float:
    for file in (path / NOTE, path):
        with contextlib.suppress(OSError):
            return file.stat().st_mtime
    return 0.0
