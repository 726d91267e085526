"""Which job is meant by what somebody typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.jobs.kind import Kind

if TYPE_CHECKING:
    from labcore.jobs.folder import J


def named(jobs: Sequence[J], name: str, kind: Kind) -> J:
    """The one of some jobs, newest first, that is meant by an id, by its name, by a unique part of an id or a name, or by ``last``.

    Raises:
        LabError: the kind's own, where none is meant, or several.
    """
    if name == "last" and jobs:
        return jobs[0]
    found = [job for job in jobs if job.id == name]
    found = found or (_called(jobs, name) if jobs and name.strip() else [])
    if len(found) == 1:
        return found[0]
    shown = f"`{kind.listed}` lists the {kind.plural}"
    if found:
        raise kind.error(f"{len(found)} {kind.plural} match {name!r}", f"Give more of the id; {shown}")
    raise kind.error(f"there is no {kind.name} {name!r}", shown)


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
