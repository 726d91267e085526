"""Many jobs at a glance, quickly: what each asks for and how it stands is remembered as long as its files do not change.

A process remembers what it has seen, and a workspace its runs in ``cache/runs.json``, so that a command over a thousand runs opens none
of them. What is remembered is keyed by what the file system says of what was asked for and ``events.jsonl``; the lock, which tells whether
anybody works on a run, is asked each time. The file is made again where it is missing or damaged. It is JSON that is replaced whole, and
no database: two processes that write it at once lose no more than a look, and on a network drive nothing has to be locked.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from labcore import __version__
from labcore.errors import LabError
from labcore.jobs import about
from labcore.jobs.about import About, read_about
from labcore.jobs.event_log import FILE, log_of
from labcore.jobs.folder import J, JobFolder
from labcore.jobs.kind import LASTING
from labcore.jobs.listing import reason
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.reading import read_object
from labcore.texts import json_line
from labcore.workspace import Workspace, is_no_file, write_atomically

INDEX = "runs.json"
FORMAT = f"10 {__version__}"
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
    about: Kept[About] | None = None
    size: Kept[int] | None = None


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
    return look(job)[0]


def look(job: JobFolder) -> tuple[JobStatus, JobRequest, Story]:
    """The status of a job, with what it asks for and what its events tell; the last two are empty where it cannot be read."""
    asked, story = JobRequest(), Story()
    try:
        asked, story = known(job)
        if asked.error:
            return _unreadable(job, asked.error), asked, story
        if not story.changed_at and is_no_file(job.path / FILE):
            return _unreadable(job, f"its {FILE} is not a file"), asked, story
        if story.last != "finished" and job.held:
            story = log_of(job).story()  # with the progress at hand, which no stamp tells
        status = job.status(story)
        if status.state == "interrupted":  # or has told its end, and let the lock go, since its events were read
            story = known(job)[1]
            status = job.status(story)
        return status, asked, story
    except Exception as error:  # one job must never hide the others
        return _unreadable(job, reason(error)), asked, story


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
        _index.seen[key] = Seen(asked, story) if seen is None else replace(seen, asked=asked, story=story)
        _index.fresh.add(key)
    return asked.what, story.what


def about_of(job: JobFolder) -> About:
    """What people say of a job."""
    key = str(job.path)
    stamp = _stamp(f"{key}/{about.FILE}")
    if not stamp:
        return _EMPTY
    with _index.lock:
        seen = _index.seen.get(key)
    if seen is not None and seen.about is not None and seen.about.stamp == stamp:
        return seen.about.what
    kept = Kept(stamp, read_about(job.path))
    _remember_more(key, seen, "about", kept)
    return kept.what


def size_of(job: JobFolder) -> int:
    """Bytes of all files in a job's folder, as they were when it told something last."""
    key = str(job.path)
    with _index.lock:
        seen = _index.seen.get(key)
    if seen is not None and seen.size is not None and seen.size.stamp == seen.story.stamp:
        return seen.size.what
    size = _bytes_in(key)
    if seen is not None:
        _remember_more(key, seen, "size", Kept(seen.story.stamp, size))
    return size


def _remember_more(key: str, seen: Seen | None, name: str, kept: Kept[Any]) -> None:
    if seen is None:
        return  # what is remembered of a job begins with what it asks for
    with _index.lock:
        setattr(_index.seen.setdefault(key, seen), name, kept)
        _index.fresh.add(key)


def _bytes_in(folder: str) -> int:
    """Links count as what they are, not as what they lead to."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                inside = entry.is_dir(follow_symlinks=False)
                total += _bytes_in(entry.path) if inside else entry.stat(follow_symlinks=False).st_size
    return total


_EMPTY = About()


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
            for name, seen in _adapter.validate_python(content["jobs"]).items():
                _index.seen.setdefault(f"{workspace.home}/{name}", seen)


def keep(workspace: Workspace, jobs: Sequence[JobFolder]) -> None:
    """Write down what was seen of all jobs of a kind, where enough of it is new to be worth it, and it is a kind that is remembered."""
    if not jobs or jobs[0].path.parent.name not in LASTING or jobs[0].path.parent.parent != workspace.home:
        return
    room, home = f"{jobs[0].path.parent}/", f"{workspace.home}/"
    with _index.lock:
        there = {str(job.path) for job in jobs}
        fresh = _index.fresh.intersection(there)
        if len(fresh) <= len(there) // 50:
            return
        _index.fresh -= fresh
        for gone in [key for key in _index.seen if key not in there and key.startswith(room)]:
            del _index.seen[gone]
        now, rooms = time.time_ns(), tuple(f"{home}{name}/" for name in LASTING)
        names = [key for key in _index.seen if key.startswith(rooms)]
        settled = {key.removeprefix(home): seen for key in names if (seen := _settled(key, now)) is not None}
    with contextlib.suppress(LabError, OSError):  # a workspace that cannot be written is read all the same
        content = json_line({"format": FORMAT, "jobs": _adapter.dump_python(settled)})
        write_atomically(workspace.cache / INDEX, content, durable=False)


def _settled(key: str, now: int) -> Seen | None:
    seen = _index.seen.get(key)
    if seen is None:
        return None
    stamps = (seen.asked.stamp, seen.story.stamp, seen.about.stamp if seen.about else ())
    times = [moment for stamp in stamps for moment in stamp[2:]]
    return seen if all(abs(now - moment) > SETTLED_SECONDS * 1e9 for moment in times) else None
