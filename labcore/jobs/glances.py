"""Many jobs at a glance, quickly: what each asks for and how it stands is remembered as long as its files do not change.

A process remembers what it has seen, and a workspace its runs in ``cache/runs.json``, so that a command over a thousand runs opens none
of them. What is remembered is keyed by what the file system says of what was asked for and ``events.jsonl``; the lock, which tells whether
anybody works on a run, is asked each time. The file is made again where it is missing or damaged.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from labcore import __version__
from labcore.errors import LabError
from labcore.jobs.event_log import FILE, log_of
from labcore.jobs.folder import J, JobFolder
from labcore.jobs.listing import reason
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.reading import read_object
from labcore.texts import json_line
from labcore.workspace import Workspace, is_no_file, write_atomically

INDEX = "runs.json"
FORMAT = f"3 {__version__}"
SETTLED_SECONDS = 2.0
"""A file that was changed within so long may change again without looking different, so it is not kept beyond the process."""
T = TypeVar("T")
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Something that was read off a file, with the stamp of the file then."""

    stamp: Stamp
    what: T


@dataclass
class Seen:
    """What is remembered of a job."""

    asked: Kept[JobRequest]
    story: Kept[Story]


@dataclass
class _Index:
    """What a process remembers of all jobs that it has seen, by path. ``fresh`` are those that no file has yet."""

    seen: dict[str, Seen] = field(default_factory=dict)
    read: set[Path] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)


_index = _Index()
_adapter: TypeAdapter[dict[str, Seen]] = TypeAdapter(dict[str, Seen])


def glance(job: JobFolder) -> JobStatus:
    """The status of a job in a list: "unreadable" with the reason where it cannot be read, whatever that is."""
    try:
        asked, story = known(job)
        if asked.error:
            return _unreadable(job, asked.error)
        if not story.changed_at and is_no_file(job.path / FILE):
            return _unreadable(job, f"its {FILE} is not a file")
        if story.last != "finished" and job.held:
            story = log_of(job).story()  # with the progress at hand, which no stamp tells
        return job.status(story)
    except Exception as error:  # one job must never hide the others
        return _unreadable(job, reason(error))


def glances(workspace: Workspace, kind: type[J]) -> list[tuple[J, JobStatus]]:
    """All jobs of a kind in a workspace at a glance, newest first."""
    jobs = kind.every(workspace)
    remember(workspace)
    found = [(job, glance(job)) for job in jobs]
    keep(workspace, jobs)
    return found


def known(job: JobFolder) -> tuple[JobRequest, Story]:
    """What a job asks for, and what its events tell: read anew only where a file has changed."""
    key = str(job.path)
    config, events = _stamp(f"{key}/{job.kind.file}"), _stamp(f"{key}/{FILE}")
    with _index.lock:
        seen = _index.seen.get(key)
    if seen is not None and seen.asked.stamp == config and seen.story.stamp == events:
        return seen.asked.what, seen.story.what
    asked = seen.asked if seen is not None and seen.asked.stamp == config else Kept(config, job.asked())
    story = seen.story if seen is not None and seen.story.stamp == events else Kept(events, log_of(job).story())
    with _index.lock:
        _index.seen[key] = Seen(asked, story)
        _index.fresh.add(key)
    return asked.what, story.what


def _unreadable(job: JobFolder, why: str) -> JobStatus:
    return JobStatus("unreadable", error=f"{job.title} cannot be read: {why}", changed_at=job.made_at)


def _stamp(path: str) -> Stamp:
    """Changes with the file: another one, its size, and when content and entry were changed. Empty where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path for each of a thousand runs takes longer than the look)
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


# --- what outlives the process


def remember(workspace: Workspace) -> None:
    """Take up what the workspace remembers of its runs, once a process."""
    with _index.lock:
        if workspace.home in _index.read:
            return
        _index.read.add(workspace.home)
        with contextlib.suppress(LabError, OSError, ValidationError, KeyError, TypeError):
            content = read_object(workspace.home / "cache" / INDEX)
            if content["format"] != FORMAT:
                return
            room = f"{workspace.runs}"
            for name, seen in _adapter.validate_python(content["runs"]).items():
                _index.seen.setdefault(f"{room}/{name}", seen)


def keep(workspace: Workspace, jobs: Sequence[JobFolder]) -> None:
    """Write down what was seen of all jobs of a kind, where enough of it is new to be worth it: of runs, which there are many of."""
    if not jobs or jobs[0].path.parent != workspace.runs:
        return
    with _index.lock:
        there = {str(run.path): run.id for run in jobs}
        fresh = _index.fresh.intersection(there)
        if len(fresh) <= len(there) // 50:
            return
        _index.fresh -= fresh
        for gone in [key for key in _index.seen if key not in there and key.startswith(f"{workspace.runs}/")]:
            del _index.seen[gone]
        now = time.time_ns()
        settled = {name: seen for key, name in there.items() if (seen := _settled(key, now)) is not None}
    with contextlib.suppress(LabError, OSError):  # a workspace that cannot be written is read all the same
        content = json_line({"format": FORMAT, "runs": _adapter.dump_python(settled)})
        write_atomically(workspace.cache / INDEX, content, durable=False)


def _settled(key: str, now: int) -> Seen | None:
    seen = _index.seen.get(key)
    if seen is None:
        return None
    times = [moment for stamp in (seen.asked.stamp, seen.story.stamp) for moment in stamp[2:]]
    return seen if all(abs(now - moment) > SETTLED_SECONDS * 1e9 for moment in times) else None
