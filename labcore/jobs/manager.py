"""The job manager: takes jobs from the queue to where they are worked on, and settles what is left behind there.

All it knows is in the directories of the jobs, so that several servers on one workspace, and a server after a restart, see the same
queue. One of them at a time, the holder of a lock, starts jobs; each looks after those it has started.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from labcore.device import open_gpus
from labcore.errors import LabError, WorkspaceError
from labcore.events import Finished, each_of
from labcore.jobs.background import tail
from labcore.jobs.executors import Child, Executor, ProcessChild, ThreadChild
from labcore.jobs.folder import J, JobFolder
from labcore.jobs.kind import LASTING, TABLE, load
from labcore.jobs.place import Place
from labcore.jobs.queue import UNKNOWN, QueueState, needed, startable
from labcore.jobs.status import RESUMABLE
from labcore.jobs.trash import sweep, throw_away
from labcore.owners import clean
from labcore.workspace import Workspace

AGAIN_SECONDS = 60.0
"""How long a job is passed over that could not be taken up, so that the next one has its turn."""
POLL_SECONDS = 0.5
"""How often the directories of the jobs are looked at."""
IDLE_POLLS = 4
"""Where nothing waits or works, only one in so many looks is taken; what this process queues is seen at once."""
STOP_GRACE_SECONDS = 120.0
"""How long a job may take to stop before its process is killed: a batch of a large network on a slow machine, and a checkpoint."""

SWEEP_SECONDS = 3600.0
"""How often the trash is emptied of what is old."""

_log = logging.getLogger(__name__)


class Queue(Protocol):
    """Where jobs are worked on that somebody follows: a :class:`JobManager` here, or a cluster (:mod:`labcore.runs.ray_queue`).

    ``shared``: what is taken has to wait in the queue of the workspace, where any job manager takes it up.
    """

    shared: bool

    def take(self, job: Any) -> Any: ...
    def resume(self, job: Any, *, by: str = "") -> Any: ...
    def stop(self, job: Any, *, by: str = "") -> None: ...
    def has(self, job: Any) -> bool:
        """Whether it looks after the job still, whatever the job's events say."""
        ...


class JobManager:
    """The queue of a workspace and its supervisor, one a server process.

    Each device has one job at a time, and each person gets a fair share of it (:func:`labcore.jobs.queue.fair_order`). A live job that
    somebody else started on the device (command line, nohup) counts. Thread-safe.

    Args:
        workspace: whose jobs are looked after.
        executor: starts the work on a job; processes by default, threads where ``LABCORE_WORKER`` is ``thread``.
        starts: whether it starts jobs; by default unless ``LABCORE_WORKER`` is ``external``: then a `labcore worker` elsewhere does.
        poll_seconds: how often the directories are looked at.
        background: whether it looks by itself; else who owns it calls :meth:`look`.
    """

    shared = True

    def __init__(
        self,
        workspace: Workspace,
        executor: Executor | None = None,
        poll_seconds: float = POLL_SECONDS,
        *,
        background: bool = True,
        starts: bool | None = None,
    ) -> None:
        self.workspace = workspace
        self.starts = os.environ.get("LABCORE_WORKER") != "external" if starts is None else starts
        self.executor = executor or (ThreadChild if os.environ.get("LABCORE_WORKER") == "thread" else ProcessChild)
        self._poll_seconds = poll_seconds
        self._place = Place(workspace)
        self._workers: dict[Path, Child] = {}
        self._queue_state = QueueState(workspace)
        self._lock = threading.RLock()
        self._sweeps_at = 0.0
        self._passed_over: dict[Path, float] = {}
        self._told = set[str]()
        self._wake, self._closing = threading.Event(), threading.Event()
        # A daemon, since Python joins other threads before it runs atexit functions; close() joins this one.
        self._thread = threading.Thread(target=self._supervise, name="labcore-jobs", daemon=True)
        if background:
            self._thread.start()
        atexit.register(self.close)

    # --- for whoever shows or changes the queue

    def take(self, job: J) -> J:
        """Look at once for a job that was just put into the queue; returns it."""
        self._wake.set()
        return job

    def resume(self, job: J, *, by: str = "", dataset: str | None = None) -> J:
        """Put a job that was stopped, failed or interrupted back into the queue; it goes on from where it was left.

        Of one that is nothing but its children, those that did not come to their end go on.

        Args:
            by: who asks; whose job it is does not change.
            dataset: where its data set lies now, by name or path, where it was moved.

        Raises:
            LabError: the kind's own, where the job is gone, waiting, running or finished; or what hinders it, as a data set that is away.
                The job stays as it was.
        """
        with self._lock:
            child = self._workers.get(job.path)
            if child is not None and not child.alive:
                self._settle(child)
            with job.hold(timeout=0.5):
                make_ready(job, dataset)
                if job.kind.work:
                    job.append(job.queued(by))
            for each in job.children():
                if each.status().state in RESUMABLE:
                    self.resume(each, by=by)
        self._wake.set()
        return job

    def stop(self, job: JobFolder, *, by: str = "") -> None:
        """Take a waiting job out of the queue, or ask a running one to stop soon. An ended one stays as it is.

        ``by`` is who asks, which the job's end tells.

        Raises:
            LabError: the kind's own, where the job is gone.
        """
        if not job.there:
            raise job.kind.error(f"{job.title} no longer exists")
        with self._lock:
            for each in reversed(job.children()):  # the waiting ones first: none takes the place of one that stops
                self.stop(each, by=by)
            state = job.status().state if job.kind.work else ""
            if state == "queued" and _take_out(job, by):
                return
            if state in ("queued", "running", "stopping"):
                job.request_stop(by)
                if at_work := self._workers.get(job.path):
                    at_work.stop()

    def remove(self, job: JobFolder, also: Sequence[JobFolder] = (), *, by: str = "", for_good: bool = False) -> None:
        """Delete a job that is not running, with all that belongs to it; runs, and what consists of runs, into the trash
        (:mod:`labcore.jobs.trash`).

        Args:
            by: who deletes it.
            for_good: it cannot be put back.
            also: jobs that were made for it, which go before it. None of them goes where one is running, or a child of it.

        Raises:
            LabError: the kind's own, where the job is gone or running.
        """
        with self._lock:
            status = job.status()
            at_work = status.state in ("running", "stopping") or (status.active and self.has(job))
            if at_work or any(each.status().active for each in (*job.children(), *also)):
                raise job.kind.error(f"{job.title} is running", "Stop it first")
            for each in also:
                with contextlib.suppress(each.kind.error):  # gone in the meantime
                    self.remove(each, by=by, for_good=for_good)
            if for_good or job.kind.room not in LASTING:
                job.delete()
            else:
                throw_away(job, by)
        sweep(job.path.parent)

    def has(self, job: JobFolder) -> bool:
        """Whether a process of this manager's is working on a job."""
        child = self._workers.get(job.path)
        return child is not None and child.alive

    def queue(self) -> list[JobFolder]:
        """The jobs that wait, the next one first."""
        with self._lock:
            waiting, _ = self._queue_state.look()
            return [job for job in waiting if job.path not in self._workers]

    def at_work(self) -> list[JobFolder]:
        """The jobs that some process works on, whoever started it."""
        with self._lock:
            return [job for job, _ in self._queue_state.look()[1]]

    @property
    def leads(self) -> bool:
        """Whether it is the one that starts the jobs of the workspace."""
        return self._place.held

    def require_place(self) -> None:
        """See that it can start jobs, or that another one does. Raises a WorkspaceError where the workspace cannot be written."""
        if self.starts:
            self._place.take()

    @property
    def waits_for_another(self) -> bool:
        """Whether another process starts the jobs of the workspace."""
        return not self.leads and self._place.taken

    @property
    def lacks_worker(self) -> bool:
        """Whether it leaves the start of jobs to a worker elsewhere, and there is none."""
        return not self.starts and not self._place.taken

    def ahead_of(self, jobs: Sequence[JobFolder]) -> dict[Path, list[JobFolder]]:
        """The jobs that waiting ones wait for, by folder; see :meth:`labcore.jobs.queue.QueueState.ahead_of`."""
        with self._lock:
            return self._queue_state.ahead_of(jobs)

    def kill(self) -> None:
        """End the processes that it started, at once."""
        for child in list(self._workers.values()):
            child.kill()

    def close(self) -> None:
        """Let go: running processes go on and are found again by the next manager, threads are stopped and joined."""
        atexit.unregister(self.close)
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        self._place.release()  # of one without a background
        with self._lock:
            children = list(self._workers.values())
            self._workers.clear()
        for child in children:
            child.abandon()

    # --- the background thread

    def look(self) -> bool:
        """Look after the jobs once: settle those that are gone, start those that are next. Whether any wait or are running."""
        busy = True
        with self._lock:
            with self._going_on():
                self._look_after_workers()
            with self._going_on():
                busy = (self.starts and self._lead() and self._start_waiting()) or bool(self._workers)
        return busy

    def _supervise(self) -> None:
        try:
            while not self._closing.is_set():
                self._wake.wait(self._poll_seconds if self.look() else IDLE_POLLS * self._poll_seconds)
                self._wake.clear()
        finally:
            self._place.release()

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """Whatever happens to one job, the others want to be looked after. The same trouble is logged once."""
        try:
            yield
        except Exception as error:
            if repr(error) not in self._told:
                self._told.add(repr(error))
                if isinstance(error, LabError):
                    _log.error("the job manager continues, but %s", error)
                else:
                    _log.exception("the job manager met an error and continues")

    def _lead(self) -> bool:
        """Whether this manager is the one that starts jobs; becomes it where the place is free."""
        if not self._place.take():
            return False
        if time.monotonic() > self._sweeps_at:
            self._sweeps_at = time.monotonic() + SWEEP_SECONDS
            for room in TABLE:
                sweep(self.workspace.home / room)
        return True

    def _look_after_workers(self) -> None:
        for path, child in list(self._workers.items()):
            with self._going_on():
                if not child.alive:
                    if self._settle(child):
                        del self._workers[path]
                        if child.job.status().state == "queued" and _ends(child.job) == child.ends_before:
                            # It could not take the job up, and would be started again and again.
                            self._pass_over(child.job)
                elif child.stopped_at is None:
                    if child.job.stop_requested or not child.job.path.is_dir():
                        child.stop()
                elif time.monotonic() - child.stopped_at > STOP_GRACE_SECONDS:
                    child.kill()

    def _start_waiting(self) -> bool:
        """Start the jobs that are next. Whether any wait or are running."""
        waiting, working = self._queue_state.look()
        busy = {job.path: device for job, device in working}
        for path, child in self._workers.items():
            if busy.get(path, UNKNOWN) == UNKNOWN:  # it has not told yet
                busy[path] = child.device
        self._passed_over = {path: until for path, until in self._passed_over.items() if time.monotonic() < until}
        able = [job for job in waiting if job.path not in self._workers and job.path not in self._passed_over]
        gpus = open_gpus() if any(needed(job) == UNKNOWN for job in able) else ()
        for job, device in startable(able, list(busy.values()), gpus).items():
            with self._going_on():
                self._start(job, device)
        return bool(waiting or working)

    def _pass_over(self, job: JobFolder) -> None:
        self._passed_over[job.path] = time.monotonic() + AGAIN_SECONDS

    def _start(self, job: JobFolder, device: str) -> None:
        ends = _ends(job)
        try:
            child = self.executor(job, device=device)
        except OSError as error:
            self._pass_over(job)
            what = f"the worker of {job.title} cannot be started: {error.strerror or error}"
            with job.hold(timeout=1):  # where this cannot be told to the job either, the log has it
                self._end(job, "failed", LabError(what, f"{job.kind.again.capitalize()} when this is fixed"))
        else:
            child.ends_before = ends
            self._workers[job.path] = child

    def _settle(self, child: Child) -> bool:
        """Write the end of a job whose process is gone without having done so. False: try again later."""
        job, death = child.job, child.death()
        try:
            with job.hold(timeout=1):
                if _ends(job) <= child.ends_before and death is not None:
                    self._end(job, "failed" if child.stopped_at is None else "stopped", death)
        except WorkspaceError:
            return False
        except LabError:  # removed, or taken up by someone else
            return True
        return True

    def _end(self, job: JobFolder, state: str, reason: LabError) -> None:
        """Write the end of a job whose lock is held here."""
        failed = state == "failed"
        job.append(
            job.finished(
                state,
                error=reason.what if failed else "",
                remedy=reason.remedy if failed else "",
                details={"kind": "WorkerError", "reason": reason.what, "log": tail(job.log)},
                by="" if failed else job.stopper,
            )
        )
        job.clear_stop()


def make_ready(job: JobFolder, dataset: str | None = None) -> None:
    """Prepare a job that is to go on, whose lock is held here.

    Args:
        dataset: where its data set lies now, by name or path, where it was moved.

    Raises:
        LabError: the kind's own, where it is waiting or finished; or what hinders it. The job stays as it was.
    """
    state = job.status().state
    if state in ("running", "stopping"):  # it is we who hold it: nobody works on it
        state = "interrupted"
    if not job.kind.resumes:
        raise job.kind.error(f"{job.title} cannot be resumed", job.kind.again.capitalize())
    if job.kind.work and state not in RESUMABLE:
        raise job.kind.error(f"{job.title} is {state}", "Only stopped, failed or interrupted jobs can be resumed")
    if job.kind.ready:
        load(job.kind.ready)(job, dataset)
    job.clear_stop()


def _take_out(job: JobFolder, by: str) -> bool:
    """Take a job out of the queue. False where somebody has taken it up by now."""
    try:
        with job.hold(timeout=0.5):
            if job.status().state == "queued":
                job.append(job.finished("stopped", by=clean(by)))
                job.clear_stop()
            return True
    except job.kind.error:
        return False


def _ends(job: JobFolder) -> int:
    return len(each_of(job.events(), Finished))
