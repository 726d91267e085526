"""A job by its folder: all there is to know about it, readable by any process, at any moment, also without torch.

::

    <room>/<id>/
      config.json     what was asked for, under the name that its kind gives it
      events.jsonl    one event a line, the first queued or started, the last finished (labcore.events)
      progress.json   where it is, replaced about once a second
      lock            held by the process that works on it
      stop            there when it is asked to stop; who asked, where that is known
      job.log         what the process printed
      …               what the kind makes

Whether a job is alive is read off the lock, which the kernel lets go of when its holder dies, however it dies; process numbers
would lie across containers and after a reboot.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from filelock import FileLock, Timeout

from labcore.errors import LabError, WorkspaceError, if_unwritable
from labcore.events import E, Event, Finished, JobFinished, JobQueued, JobStarted, Progress, Queued, Started, last_of
from labcore.jobs.event_log import FILE, EventReader, keep_progress, log_of
from labcore.jobs.kind import Kind
from labcore.jobs.listing import Unreadable, folders_with, reason, strays
from labcore.jobs.naming import LAST, named
from labcore.jobs.status import JobRequest, JobStatus, Story
from labcore.owners import clean, sign, signer
from labcore.reading import DamagedError, read_json
from labcore.texts import json_line
from labcore.workspace import (
    ELSEWHERE,
    Workspace,
    append_line,
    draft_folder,
    drop_partial_line,
    is_locked,
    is_no_file,
    remove,
    write_atomically,
)

if TYPE_CHECKING:
    from typing import Self

KEPT = 20
"""So many of a short kind stay, beside those that have not ended; older ones go when a new one is made."""
SHARED = "shared"
"""Needed by what works beside anything but a job that needs the whole machine."""
MACHINE = "machine"
"""Needed by what works alone on the machine."""
NOTHING = "nothing"
"""Needed by what only looks after other jobs, or was told to work beside whatever there is."""


@dataclass(frozen=True)
class JobFolder:
    """A job by its directory. Holds nothing in memory; its events are remembered once a process (:mod:`labcore.jobs.event_log`)."""

    path: Path
    kind: ClassVar[Kind]

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / self.kind.log

    @property
    def title(self) -> str:
        """As sentences name it: ``run 2026…``."""
        return f"{self.kind.name} {self.id}"

    @property
    def workspace(self) -> Workspace:
        """The workspace it lies in; the default one for a directory that was copied elsewhere."""
        there = self.path.parent.name == self.kind.room
        return Workspace(self.path.parent.parent) if there else Workspace.default()

    @property
    def owner(self) -> str:
        """Whose it is; "" where that is not known."""
        return log_of(self).story().owner or signer(self.path / "owner")

    @property
    def needs(self) -> str:
        """What it has for itself while it works: a device, or one of :data:`SHARED`, :data:`MACHINE`, :data:`NOTHING`."""
        return SHARED

    def asked(self) -> JobRequest:
        """What it asks for, at a glance; why that cannot be read, where it cannot."""
        try:
            request = self.request()
        except LabError as error:
            return JobRequest(needs=self.needs, error=reason(error))
        return request if request.needs else replace(request, needs=self.needs)

    def request(self) -> JobRequest:
        """What it asks for, by its kind. ``needs`` may be left out.

        Raises:
            LabError: the kind's own, where that cannot be read.
        """
        return JobRequest()

    @property
    def name(self) -> str:
        """What people call it: the name that somebody gave it, else what it is made of (:meth:`asked`), else its id."""
        from labcore.jobs.glances import about_of, known

        with contextlib.suppress(Exception):  # one that cannot be read has its id
            return about_of(self).name or known(self)[0].title or self.id
        return self.id

    @property
    def driver(self) -> str:
        """The id of the job that stops it and goes on with it, where it is a part of one that does; else ""."""
        return ""

    def children(self) -> Sequence[JobFolder]:
        """The jobs it consists of, where it is nothing but these."""
        return ()

    # --- making and finding

    @classmethod
    def new(cls, workspace: Workspace, name: str, moment: float | None = None) -> Self:
        """One that is not there yet, of the time at hand or another moment, and a name that tells what it is about."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(moment))
        while True:  # one of many of this second
            job = cls(workspace.room(cls.kind.room) / f"{stamp}-{name}-{secrets.token_hex(2)}")
            if not job.path.exists():
                return job

    @contextlib.contextmanager
    def draft(self, *, queued: bool = False, by: str = "") -> Iterator[Self]:
        """The job as a hidden folder, to be filled inside the block; it appears whole at its end or not at all.

        Args:
            queued: it waits for a job manager from then on, as a job of ``by``.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        refused = f"the {self.kind.name} directory {self.path} cannot be created"
        remedy = if_unwritable(self.path.parent, ELSEWHERE)
        with draft_folder(self.path) as draft, WorkspaceError.on_os_error(refused, remedy):
            draft.mkdir(exist_ok=True)
            job = type(self)(draft)
            yield job
            if queued:
                job.append(job.queued(by))
            draft.rename(self.path)
            if self.kind.short:
                self._keep_newest()

    @classmethod
    def every(cls, workspace: Workspace, most: int | None = None) -> list[Self]:
        """All of a workspace, newest first, or the newest so many. Unfinished drafts and foreign folders are left out."""
        return [cls(path) for path in folders_with(workspace.room(cls.kind.room), cls.kind.file, most=most)]

    @classmethod
    def unreadable(cls, workspace: Workspace) -> list[Unreadable]:
        """What lies among them and cannot be read as one."""
        return strays(workspace.room(cls.kind.room), cls.kind.file, *cls.kind.traces)

    @classmethod
    def open(cls, workspace: Workspace, name: str | Path) -> Self:
        """A job by its id, by a unique beginning or part of it, by ``last``, or by the path of its directory.

        Raises:
            LabError: the kind's own, where there is none of that name, or several.
        """
        path = Path(name)
        with contextlib.suppress(OSError):  # a name that is too long for a path is no path
            if (path / cls.kind.file).is_file():
                return cls(path.absolute())
        room, file = workspace.room(cls.kind.room), cls.kind.file
        exact = folders_with(room, file, called=str(name)) if name != LAST else []  # without a look at all the others
        return cls(exact[0]) if exact else named(cls.every(workspace), str(name), cls.kind)

    def _keep_newest(self) -> None:
        """Delete the oldest of its kind that have ended, so that :data:`KEPT` are left, itself among them."""
        ended = [each for each in type(self).every(self.workspace) if each != self and not each.status().active]
        for old in ended[KEPT - 1 :]:
            with contextlib.suppress(LabError):  # somebody resumes or removes it
                old.delete()

    @property
    def there(self) -> bool:
        """Whether it has not been removed."""
        return (self.path / self.kind.file).is_file()

    def save(self, name: str, content: Any) -> None:
        """Write ``<name>.json``."""
        write_atomically(self.path / f"{name}.json", json_line(content, indent=2))

    def load(self, name: str, default: Any = None) -> Any:
        """Read ``<name>.json``; the default where it is not there, cannot be read, or is of another type than the default."""
        try:
            content = read_json(self.path / f"{name}.json")
        except (OSError, DamagedError):
            return default
        return content if default is None or isinstance(content, type(default)) else default

    # --- events

    def append(self, event: Event) -> None:
        """Append an event to the job. Only the holder of the lock does this, or who makes or queues the job.

        Of progress the last one alone is kept.

        Raises:
            WorkspaceError: the disk is full or the directory is gone.
        """
        if isinstance(event, Progress):
            keep_progress(self.path, event)
        else:
            append_line(self.path / FILE, event.to_json(), f"Free some space, then {self.kind.again}")

    def events(self) -> list[Event]:
        """All events, oldest first, and the progress at hand. A partial last line is left out."""
        return log_of(self).events()

    def reader(self) -> EventReader:
        """Reads its events as they come."""
        return EventReader(self.path, self.kind.events)

    def last_event(self, kind: type[E]) -> E | None:
        return last_of(self.events(), kind)

    # What begins and ends its life, as its kind writes it.

    def queued(self, by: str = "") -> Queued:
        return JobQueued(by=clean(by))

    def started(self, by: str = "") -> Started:
        return JobStarted(**this_process(), by=clean(by))

    def finished(self, state: str, **facts: Any) -> Finished:
        """``facts`` are those of :class:`labcore.events.Finished`."""
        return JobFinished(state=state, **facts)

    # --- life

    @contextlib.contextmanager
    def hold(self, timeout: float = 5.0) -> Iterator[None]:
        """Hold the job's lock: who holds it works on the job.

        Raises:
            LabError: the kind's own, where another process or thread holds it, or the job is gone.
        """
        gone = self.kind.error(f"{self.title} no longer exists")
        if not self.path.is_dir():
            raise gone
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise self.kind.error(f"{self.title} is running", "Stop it first") from error
        except OSError as error:
            if not self.path.is_dir():  # removed while we waited
                raise gone from error
            remedy = if_unwritable(self.path, ELSEWHERE)(error)
            raise self.kind.error(f"{self.title} cannot be locked: {error.strerror or error}", remedy) from error
        try:
            if not self.there:
                # FileLock makes missing folders: the job was removed in between and must not come back as a shell.
                with contextlib.suppress(OSError):
                    (self.path / "lock").unlink()
                    self.path.rmdir()
                raise gone
            drop_partial_line(self.path / FILE)
            yield
        finally:
            lock.release()

    @property
    def held(self) -> bool:
        """Whether some process or thread works on the job now."""
        return is_locked(self.path / "lock")

    def request_stop(self, by: str = "") -> None:
        """Ask whoever works on it to stop soon, and well; ``by`` asks. Raises WorkspaceError where its folder cannot be written."""
        with WorkspaceError.on_os_error(f"{self.title} cannot be asked to stop", if_unwritable(self.path, ELSEWHERE)):
            sign(self.path / "stop", by)

    @property
    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    @property
    def stopper(self) -> str:
        """Who asked it to stop; "" where nobody did, or nobody knows who."""
        return signer(self.path / "stop")

    def clear_stop(self) -> None:
        """Raises OSError where what stands in its place cannot be removed."""
        stop = self.path / "stop"
        if stop.is_dir() and not stop.is_symlink():
            shutil.rmtree(stop)
        stop.unlink(missing_ok=True)

    def status(self, story: Story | None = None) -> JobStatus:
        """The job at a glance, as its events and its lock tell. Hand over the story where it is known already."""
        if story is None:
            status = self.status(log_of(self).story())
            # or it has told its end, and let the lock go, since its events were read
            return self.status(log_of(self).story()) if status.state == "interrupted" else status
        if story.last == "finished":
            state = story.ended
        elif story.last == "queued":
            state = "queued"
        elif self.held:  # also where nothing was told yet: made to be started at once
            state = "stopping" if self.stop_requested else "running"
        else:
            state = "interrupted"
        at_work = state in ("running", "stopping")
        return JobStatus(
            state=state,
            epoch=story.epoch,
            epochs=story.epochs,
            fraction=1.0 if state == "finished" else story.fraction,
            seconds_left=story.seconds_left if at_work else None,
            accuracy=story.accuracy,
            mean_ap=story.mean_ap,
            preparing=story.preparing if at_work else None,
            error=story.error,
            remedy=story.remedy,
            queued_at=story.queued_at,
            changed_at=story.changed_at or self.made_at,
            by=self.owner if story.owner is None else story.owner,
            stopped_by=self.stopper if state == "stopping" else story.ended_by if state == "stopped" else "",
            leaks=story.leaks,
            trained_on=story.trained_on,
            distinct_clips=story.distinct_clips,
            by_recording=story.by_recording,
            watched=story.watched,
        )

    @property
    def made_at(self) -> float:
        """When its folder was changed last, in seconds since 1970; 0 where nobody can say."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_mtime
        return 0.0

    def delete(self) -> None:
        """Remove the job and all that belongs to it, for good; see :mod:`labcore.jobs.trash` for what can be undone.

        Raises:
            LabError: the kind's own, where it is running, or gone already.
            WorkspaceError: the workspace cannot be written.
        """
        with self.at_rest():
            remove(self.path)

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Hold the job for as long as its folder is taken away: a process that starts now finds it gone.

        Raises:
            LabError, WorkspaceError: as :meth:`delete`.
        """
        held = contextlib.nullcontext() if is_no_file(self.path / "lock") else self.hold(timeout=0.5)
        with held, WorkspaceError.on_os_error(f"{self.title} cannot be deleted"):
            yield


def this_process() -> dict[str, Any]:
    """The process at hand, as an event of a start tells it."""
    namespace = ""
    with contextlib.suppress(OSError):  # no Linux
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return {"pid": os.getpid(), "host": socket.gethostname(), "namespace": namespace}


def is_here(started: Started | None) -> bool:
    """Whether the process that took a job up is, or was, one of this container, or of this machine outside of all containers."""
    here = this_process()
    return started is not None and started.host == here["host"] and started.namespace in ("", here["namespace"])


J = TypeVar("J", bound=JobFolder)
