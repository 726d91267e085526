"""Reading a run's events: each line once a process, whoever looks, and nothing but events of the types that readers rely on.

``events.jsonl`` grows by whole lines. Where in an epoch a run is stands in ``progress.json``, which is replaced about once a second, so
that a week of training is as quick to read as an hour. Versions before wrote progress as lines too; of those the last one counts.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import OrderedDict
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from labcore.events import KINDS, Progress
from labcore.reading import LATEST, DamagedError, open_file, parse_json, read_object
from labcore.status import Story
from labcore.texts import json_line
from labcore.workspace import write_atomically

FILE, PROGRESS = "events.jsonl", "progress.json"
MOST_LINE = 64 * 2**20
"""The longest line, in bytes, that can be an event."""
KEPT_LOGS = 32
"""So many runs' events are remembered in a process at most."""
_PROGRESS_LINE = b'{"type": "progress"'
# After these a run is still where its last progress said.
_BESIDE = ("log", "advice", "turned", "divided", "forecast")
_TAIL = 256


class HasFolder(Protocol):
    """What is needed of a run."""

    @property
    def path(self) -> Path: ...


# --- what an event is


def checked(content: Any) -> dict[str, Any] | None:
    """An event as every reader relies on it, None for anything else.

    It has a type and a time. Of a type that the lab knows (:data:`labcore.events.KINDS`) it has every field that the type demands, each of
    the right type, numbers finite but for losses. Another type is one of another version of the lab, and passes with what it has.
    """
    if not isinstance(content, dict):
        return None
    kind, moment = content.get("type"), content.get("time")
    if not isinstance(kind, str) or not isinstance(moment, (int, float)) or not 0 <= moment <= LATEST:
        return None
    if kind in KINDS:
        try:
            _shape(kind).model_validate(content)
        except (ValidationError, RecursionError):
            return None
    return content


@functools.cache
def _shape(kind: str) -> type[BaseModel]:
    """Checks plain data against the fields of a type of event, strictly: a whole number is no text, and a text no number."""
    hints = get_type_hints(KINDS[kind], include_extras=True)
    needed = {each.name for each in fields(KINDS[kind]) if each.default is MISSING and each.default_factory is MISSING}
    shape: dict[str, Any] = {
        name: (hints[name], ... if name in needed else None) for name in (each.name for each in fields(KINDS[kind]))
    }
    return create_model(KINDS[kind].__name__, __config__=ConfigDict(strict=True, allow_inf_nan=False), **shape)


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        return checked(parse_json(line))
    except DamagedError:
        return None


def epochs_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epoch events among ``events`` by number, each once: the last one wins."""
    return [event for _, event in sorted({e["epoch"]: e for e in events if e["type"] == "epoch"}.items())]


# --- writing


def keep_progress(run: HasFolder, progress: Progress) -> None:
    """Write where in an epoch a run is. It counts until an event says more.

    Raises:
        WorkspaceError: the disk is full or the run is gone.
    """
    try:
        behind = os.stat(run.path / FILE).st_size  # noqa: PTH116
    except OSError:
        behind = 0
    content = json_line({"after": behind, **progress.facts()})
    write_atomically(run.path / PROGRESS, content, durable=False)


# --- reading


@dataclass
class EventReader:
    """Reads a run's events as they come: every call of :meth:`read` returns those since the last one.

    Of progress only the newest comes, last, and only where it says more than the events before it.
    """

    run: HasFolder
    offset: int = 0
    _behind: int = 0
    """Bytes up to the last event after which earlier progress says nothing."""
    _seen: tuple[int, ...] = ()

    def read(self) -> list[dict[str, Any]]:
        """The new events. A line without its end is left for the next call, an unreadable one is passed over."""
        events, progress = self._lines()
        told = self._progress() or (progress and _event(progress))
        return [*events, told] if told else events

    def _lines(self) -> tuple[list[dict[str, Any]], bytes]:
        """The new events without progress, and the line of the last progress that still counts."""
        events: list[dict[str, Any]] = []
        progress = b""
        try:
            with open_file(self.run.path / FILE) as file:
                file.seek(self.offset)
                while line := file.readline(MOST_LINE):
                    if not line.endswith(b"\n") and len(line) < MOST_LINE:
                        break  # somebody is writing it
                    self.offset += len(line)
                    if line.startswith(_PROGRESS_LINE):
                        progress = line
                    elif event := _event(line):
                        if event["type"] == "progress":
                            progress = line
                            continue
                        events.append(event)
                        if event["type"] not in _BESIDE:
                            progress, self._behind = b"", self.offset
        except (OSError, DamagedError):
            pass
        return events, progress

    def _progress(self) -> dict[str, Any] | None:
        path = self.run.path / PROGRESS
        try:
            found = os.stat(path)  # noqa: PTH116
            stamp = found.st_ino, found.st_size, found.st_mtime_ns
            if stamp == self._seen:
                return None
            self._seen, content = stamp, read_object(path, most=2**20)
        except (OSError, DamagedError):
            return None
        after, event = content.pop("after", -1), checked(content)
        return (
            event
            if event and event["type"] == "progress" and isinstance(after, int) and after >= self._behind
            else None
        )


@dataclass
class EventLog:
    """The events of one run, kept in memory and read on from where the last look ended. Thread-safe."""

    path: Path
    _reader: EventReader = field(init=False)
    _events: list[dict[str, Any]] = field(default_factory=list)
    _progress: dict[str, Any] | None = None
    _story: Story = field(default_factory=Story)
    _file: tuple[int, int] = (0, 0)
    _changed: int = -1
    _end: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._begin()

    def events(self) -> list[dict[str, Any]]:
        """All events so far, the oldest first; the last may be the progress at hand. They are shared: nobody changes one."""
        with self._lock:
            self._update()
            return [*self._events, self._progress] if self._progress else list(self._events)

    def story(self) -> Story:
        """What they say of the run."""
        with self._lock:
            self._update()
            return replace(self._story)

    def _begin(self) -> None:
        self._reader, self._events, self._progress, self._story = EventReader(self), [], None, Story()
        self._changed, self._end = -1, b""

    def _update(self) -> None:
        if self._rewritten():
            self._begin()
        before = self._reader.offset
        for event in self._reader.read():
            self._story.take(event)
            if event["type"] == "progress":
                self._progress = event
            else:
                self._events.append(event)
                if event["type"] not in _BESIDE:
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


def log_of(run: HasFolder) -> EventLog:
    """The one reader of a run's events in this process."""
    key = str(run.path)
    with _guard:
        log = _logs.setdefault(key, EventLog(run.path))
        _logs.move_to_end(key)
        while len(_logs) > KEPT_LOGS:
            _logs.popitem(last=False)
    return log
