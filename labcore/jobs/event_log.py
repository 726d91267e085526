"""Reading a job's events: each line once a process, whoever looks, and nothing but events of the types that readers rely on.

``events.jsonl`` grows by whole lines. How far a job has come meanwhile stands in ``progress.json``, which is replaced about once a
second, so that a week of training is as quick to read as an hour.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.events import (
    KINDS,
    Advice,
    BatchSplit,
    Estimate,
    Event,
    Kinds,
    Log,
    Progress,
    SettingsChanged,
    event_of,
    parse,
)
from labcore.jobs.status import Story
from labcore.reading import DamagedError, open_file, read_object
from labcore.texts import json_line
from labcore.workspace import stamp_of, write_atomically

if TYPE_CHECKING:
    from labcore.jobs.folder import JobFolder

FILE, PROGRESS = "events.jsonl", "progress.json"
MOST_LINE = 64 * 2**20
"""The longest line, in bytes, that can be an event."""
KEPT_LOGS = 32
"""So many jobs' events are remembered in a process at most."""
# After these a run is still where its last progress said.
_BESIDE = {Log, Advice, SettingsChanged, BatchSplit, Estimate}
_TAIL = 256


# --- writing


def keep_progress(folder: Path, progress: Progress) -> None:
    """Write how far a job has come. It counts until an event says more.

    Raises:
        WorkspaceError: the disk is full or the job is gone.
    """
    behind, _ = stamp_of(folder / FILE)
    content = json_line({"after": behind, **progress.facts()})
    write_atomically(folder / PROGRESS, content, durable=False)


# --- reading


@dataclass
class EventReader:
    """Reads a job's events as they come: every call of :meth:`read` returns those since the last one.

    Of progress only the newest comes, last, and only where it says more than the events before it.
    """

    path: Path
    kinds: Kinds = field(default_factory=lambda: KINDS)
    offset: int = 0
    _behind: int = 0
    """Bytes up to the last event after which earlier progress says nothing."""
    _seen: tuple[int, ...] = ()

    def read(self) -> list[Event]:
        """The new events. A line without its end is left for the next call, an unreadable one is passed over."""
        events: list[Event] = []
        try:
            with open_file(self.path / FILE) as file:
                file.seek(self.offset)
                while line := file.readline(MOST_LINE):
                    if not line.endswith(b"\n") and len(line) < MOST_LINE:
                        break  # somebody is writing it
                    self.offset += len(line)
                    if event := parse(line, self.kinds):
                        events.append(event)
                        if type(event) not in _BESIDE:
                            self._behind = self.offset
        except (OSError, DamagedError):
            pass
        progress = self._progress()
        return [*events, progress] if progress else events

    def _progress(self) -> Progress | None:
        path = self.path / PROGRESS
        try:
            found = os.stat(path)  # noqa: PTH116
            stamp = found.st_ino, found.st_size, found.st_mtime_ns
            if stamp == self._seen:
                return None
            self._seen, content = stamp, read_object(path, most=2**20)
        except (OSError, DamagedError):
            return None
        after, event = content.pop("after", -1), event_of(content)
        counts = isinstance(after, int) and after >= self._behind
        return event if counts and isinstance(event, Progress) else None


@dataclass
class EventLog:
    """The events of one job, kept in memory and read on from where the last look ended. Thread-safe."""

    path: Path
    kinds: Kinds = field(default_factory=lambda: KINDS)
    _reader: EventReader = field(init=False)
    _events: list[Event] = field(default_factory=list)
    _progress: Progress | None = None
    _story: Story = field(default_factory=Story)
    _file: tuple[int, int] = (0, 0)
    _changed: int = -1
    _end: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._begin()

    def events(self) -> list[Event]:
        """All events so far, the oldest first; the last may be the progress at hand."""
        with self._lock:
            self._update()
            return [*self._events, self._progress] if self._progress else list(self._events)

    def story(self) -> Story:
        """What they say of the job."""
        with self._lock:
            self._update()
            return replace(self._story)

    def _begin(self) -> None:
        self._reader, self._events, self._progress, self._story = EventReader(self.path, self.kinds), [], None, Story()
        self._changed, self._end = -1, b""

    def _update(self) -> None:
        if self._rewritten():
            self._begin()
        before = self._reader.offset
        for event in self._reader.read():
            self._story.take(event)
            if isinstance(event, Progress):
                self._progress = event
            else:
                self._events.append(event)
                if type(event) not in _BESIDE:
                    self._progress = None
        if self._reader.offset != before or self._changed < 0:
            self._remember()

    def _rewritten(self) -> bool:
        """Whether what was read stands there no more, as after somebody edited the file or put another in its place."""
        try:
            found = os.stat(self.path / FILE)  # noqa: PTH116
        except OSError:
            return self._reader.offset > 0
        if (found.st_dev, found.st_ino) != self._file or found.st_size < self._reader.offset:
            self._file = found.st_dev, found.st_ino
            return True
        if found.st_mtime_ns == self._changed:
            return False
        return found.st_size == self._reader.offset > 0 or self._last_bytes() != self._end

    def _remember(self) -> None:
        """Remember what a look at the file would find unchanged."""
        self._end = self._last_bytes()
        try:
            found = os.stat(self.path / FILE)  # noqa: PTH116
        except OSError:
            return
        self._changed = found.st_mtime_ns if found.st_size == self._reader.offset else -1

    def _last_bytes(self) -> bytes:
        """The last bytes of what was read."""
        begin = max(0, self._reader.offset - _TAIL)
        try:
            with open_file(self.path / FILE) as file:
                file.seek(begin)
                return file.read(self._reader.offset - begin)
        except (OSError, DamagedError):
            return b""


_logs: OrderedDict[str, EventLog] = OrderedDict()
_guard = threading.Lock()


def log_of(job: JobFolder) -> EventLog:
    """The one reader of a job's events in this process."""
    key = str(job.path)
    with _guard:
        log = _logs.setdefault(key, EventLog(job.path, job.kind.events))
        _logs.move_to_end(key)
        while len(_logs) > KEPT_LOGS:
            _logs.popitem(last=False)
    return log
