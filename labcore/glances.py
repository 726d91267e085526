"""Many runs at a glance, quickly: what each asks for and how it stands is remembered as long as its files do not change.

A process remembers what it has seen, and a workspace in ``cache/runs.json``, so that a command over a thousand runs opens none of them.
What is remembered is keyed by what the file system says of ``config.json`` and ``events.jsonl``; the lock, which tells whether
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
from labcore.errors import LabError, RunError
from labcore.event_log import FILE, log_of
from labcore.listing import reason
from labcore.reading import read_object
from labcore.runs import Run, list_runs, made_at
from labcore.status import RunStatus, Story
from labcore.texts import json_line
from labcore.workspace import Workspace, is_no_file, write_atomically

INDEX = "runs.json"
FORMAT = f"2 {__version__}"
SETTLED_SECONDS = 2.0
"""A file that was changed within so long may change again without looking different, so it is not kept beyond the process."""
T = TypeVar("T")
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """What a run's configuration asks for; ``error`` says, without the final stop, why it cannot be read."""

    dataset: str | None = None
    model: str | None = None
    epochs: int = 0
    device: str = ""
    error: str = ""


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Something that was read off a file, with the stamp of the file then."""

    stamp: Stamp
    what: T


@dataclass
class Seen:
    """What is remembered of a run."""

    asked: Kept[Asked]
    story: Kept[Story]


@dataclass
class _Index:
    """What a process remembers of all runs that it has seen, by path. ``fresh`` are those that no file has yet."""

    seen: dict[str, Seen] = field(default_factory=dict)
    read: set[Path] = field(default_factory=set)
    fresh: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)


_index = _Index()
_adapter: TypeAdapter[dict[str, Seen]] = TypeAdapter(dict[str, Seen])


def glance(run: Run) -> RunStatus:
    """The status of a run in a list: "unreadable" with the reason where it cannot be read, whatever that is."""
    try:
        asked, story = known(run)
        if asked.error:
            return _unreadable(run, asked.error)
        if not story.changed_at and is_no_file(run.path / FILE):
            return _unreadable(run, f"its {FILE} is no file")
        if story.last != "run_finished" and run.held:
            story = log_of(run).story()  # with the progress at hand, which no stamp tells
        return run.status(story)
    except Exception as error:  # one run must never hide the others
        return _unreadable(run, reason(error))


def glances(workspace: Workspace) -> list[tuple[Run, RunStatus]]:
    """All runs of a workspace at a glance, newest first."""
    runs = list_runs(workspace)
    remember(workspace)
    found = [(run, glance(run)) for run in runs]
    keep(workspace, runs)
    return found


def known(run: Run) -> tuple[Asked, Story]:
    """What a run asks for, and what its events tell: read anew only where a file has changed."""
    key = str(run.path)
    config, events = _stamp(f"{key}/config.json"), _stamp(f"{key}/{FILE}")
    with _index.lock:
        seen = _index.seen.get(key)
    if seen is not None and seen.asked.stamp == config and seen.story.stamp == events:
        return seen.asked.what, seen.story.what
    asked = seen.asked if seen is not None and seen.asked.stamp == config else Kept(config, _asked(run))
    story = seen.story if seen is not None and seen.story.stamp == events else Kept(events, log_of(run).story())
    with _index.lock:
        _index.seen[key] = Seen(asked, story)
        _index.fresh.add(key)
    return asked.what, story.what


def asked_of(run: Run) -> Asked:
    """What a run's configuration asks for."""
    return known(run)[0]


def _asked(run: Run) -> Asked:
    try:
        config = run.config
    except RunError as error:
        return Asked(error=f"its configuration is damaged: {reason(error)}")
    return Asked(config.data.dataset, config.model.name, config.optim.epochs or 0, config.runtime.device)


def _unreadable(run: Run, why: str) -> RunStatus:
    return RunStatus("unreadable", error=f"run {run.id} cannot be read: {why}", changed_at=made_at(run))


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


def keep(workspace: Workspace, runs: Sequence[Run]) -> None:
    """Write down what was seen of all runs of a workspace, where enough of it is new to be worth it."""
    with _index.lock:
        there = {str(run.path): run.id for run in runs}
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
