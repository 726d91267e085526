"""Which job is meant by what somebody typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.errors import LabError
from labcore.jobs.kind import Kind
from labcore.texts import composed, shown

if TYPE_CHECKING:
    from labcore.jobs.folder import J, JobFolder

LAST = "last"
"""The newest job that somebody started by itself."""
LISTED = 5
"""So many jobs that a name may mean are told."""


def named(jobs: Sequence[J], name: str, kind: Kind) -> J:
    """The one of some jobs, newest first, that is meant by an id, by its name, by a unique part of an id or a name, or by :data:`LAST`:
    no fold of a cross-validation and no trial of a search, unless there is nothing else.

    Raises:
        LabError: the kind's own, where none is meant, or several.
    """
    if name == LAST and jobs:
        return next((job for job in jobs if not _is_part(job)), jobs[0])
    name = composed(name)
    found = [job for job in jobs if job.id == name]
    found = found or (_called(jobs, name) if jobs and name.strip() else [])
    if len(found) == 1:
        return found[0]
    lists = f"`{kind.listed}` lists the {kind.plural}"
    if found:
        which = ", ".join(_told(job) for job in found[:LISTED])
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise kind.error(f"{len(found)} {kind.plural} match {name!r}: {which}{more}", f"Give more of the id; {lists}")
    raise kind.error(f"there is no {kind.name} {name!r}", lists)


def _is_part(job: JobFolder) -> bool:
    from labcore.jobs.glances import known

    try:
        return bool(known(job)[0].part)
    except (LabError, OSError):
        return False


def _told(job: JobFolder) -> str:
    """Its id, and its name where it has one."""
    return f"{shown(job.id)} ({shown(job.name)})" if job.name else shown(job.id)


def is_id(text: str) -> bool:
    """Whether a text names a folder of a room, and leads to no other."""
    return "\0" not in text and text not in ("", ".", "..") and Path(text).name == text


def _called(jobs: Sequence[J], name: str) -> list[J]:
    """The jobs of exactly this name, else those with this in their ids, else those with this in their names."""
    from labcore.jobs.glances import remember

    remember(jobs[0].workspace)
    word, names = " ".join(name.split()).casefold(), {job: job.name.casefold() for job in jobs}
    return (
        [job for job in jobs if names[job] == word]
        or [job for job in jobs if name in job.id]
        or [job for job in jobs if word in names[job]]
    )
