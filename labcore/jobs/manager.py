"""The job manager: takes runs from the queue to their workers and settles what the workers leave behind.

All it knows is in the run directories, so that several servers on one workspace, and a server after a restart, see the same
queue. One of them at a time, the holder of a lock, starts workers; each looks after the workers it has started.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from labcore.config import RunConfig
from labcore.errors import LabError, RunError, WorkspaceError
from labcore.events import RunFinished, RunQueued, each_of
from labcore.jobs.children import COMMAND, Child, ProcessChild, ThreadChild
from labcore.jobs.queue import Survey, startable, wanted_device
from labcore.jobs.worker import Train, log_tail
from labcore.people import clean
from labcore.runs import RESUMABLE, Run
from labcore.workspace import Workspace

AGAIN_SECONDS = 60.0
"""How long a run is passed over whose worker could not take it up, so that the next one has its turn."""
IDLE_POLLS = 4
"""Where nothing waits or works, only one in so many looks is taken; what this process queues is seen at once."""
STOP_GRACE_SECONDS = 120.0
"""How long a worker may take to stop before it is killed: a batch of a large network on a slow machine, and a checkpoint."""

_log = logging.getLogger(__name__)


class JobManager:
    """The queue of a workspace and its supervisor, one a server process.

    Each device has one job at a time, and people take turns on it (:func:`labcore.jobs.queue.fair_order`). A live run that
    somebody else started on the device (command line, nohup) counts. Thread-safe.

    Args:
        workspace: whose runs are looked after.
        worker: ``process`` or ``thread``; by default what ``LABCORE_WORKER`` says, else ``process``.
        poll_seconds: how often the run directories are looked at.
        command: starts a worker process; the run's directory is added to it.
        train: the training loop of thread workers, the lab's own by default.
        stop_grace_seconds: how long a process worker may take to stop before it is killed.
    """

    def __init__(
        self,
        workspace: Workspace,
        worker: Literal["process", "thread"] | None = None,
        poll_seconds: float = 0.5,
        *,
        command: Sequence[str] = COMMAND,
        train: Train | None = None,
        stop_grace_seconds: float = STOP_GRACE_SECONDS,
    ) -> None:
        self.workspace = workspace
        self.worker = worker or ("thread" if os.environ.get("LABCORE_WORKER") == "thread" else "process")
        self._poll_seconds = poll_seconds
        self._command, self._train, self._grace = tuple(command), train, stop_grace_seconds
        self._children: dict[Path, Child] = {}
        self._survey = Survey(workspace)
        self._lock = threading.RLock()
        self._leader: FileLock | None = None
        self._passed_over: dict[Path, float] = {}
        self._told = set[str]()
        self._wake, self._closing = threading.Event(), threading.Event()
        # A daemon, since Python joins other threads before it runs atexit functions; close() joins this one.
        self._thread = threading.Thread(target=self._supervise, name="labcore-jobs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    # --- for whoever shows or changes the queue

    def submit(self, config: RunConfig, *, marks: dict[str, Any] | None = None, by: str = "") -> Run:
        """Make a run and put it into the queue, behind those of the same person.

        Args:
            marks: what it belongs to, as for :meth:`Run.create`.
            by: whose run it is.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        run = Run.create(self.workspace, config, queued=True, marks=marks, by=by)
        self._wake.set()
        return run

    def resume(self, run_id: str, *, by: str = "", dataset: str | None = None) -> Run:
        """Put a run that was stopped, failed or interrupted back into the queue; it goes on from its last checkpoint.

        Args:
            by: who asks; whose run it is does not change.
            dataset: where its data set lies now, by name or path, where it was moved.

        Raises:
            DatasetError: its data set is not there, or other clips are. The run stays as it was.
            RunError: no such run, or one that is waiting, at work or finished.
        """
        from labcore.datasets.resuming import name_place, need_data  # pandas: nothing else of the manager needs it

        run = self._open(run_id)
        with self._lock:
            child = self._children.get(run.path)
            if child is not None and not child.alive:
                self._settle(child)
            with run.hold(timeout=0.5):
                state = run.status().state
                if state in ("running", "stopping"):  # it is we who hold it: nobody works on it
                    state = "interrupted"
                if state not in RESUMABLE:
                    raise RunError(
                        f"run {run.id} is {state}", "Only a stopped, failed or interrupted run can be resumed"
                    )
                if dataset is None:
                    need_data(run, self.workspace)
                else:
                    name_place(run, self.workspace, dataset)
                run.clear_stop()
                run.append(RunQueued(by=clean(by)))
        self._wake.set()
        return run

    def stop(self, run_id: str, *, by: str = "") -> None:
        """Take a waiting run out of the queue, or ask a run at work to stop after its batch. An ended run stays as it is.

        ``by`` is who asks, which the run's end tells.

        Raises:
            RunError: no such run.
        """
        run = self._open(run_id)
        with self._lock:
            child = self._children.get(run.path)
            status = run.status()
            if not status.active:
                return
            if status.state == "queued" and child is None and _take_out(run, by):
                return
            run.request_stop(by)
            if child is not None:
                child.stop()

    def remove(self, run_id: str) -> None:
        """Delete a run that is not at work, with all that belongs to it.

        Raises:
            RunError: no such run, or it is at work.
        """
        run = self._open(run_id)
        with self._lock:
            child = self._children.get(run.path)
            if child is not None and child.alive and run.status().active:
                raise RunError(f"run {run.id} is at work", "Stop it first")
            run.delete()

    def queue(self) -> list[Run]:
        """The runs that wait, the next one first."""
        with self._lock:
            waiting, _ = self._survey.look()
            return [run for run in waiting if run.path not in self._children]

    def ahead(self, run: Run) -> list[Run]:
        """The runs that a waiting one waits for; see :meth:`labcore.jobs.queue.Survey.ahead`."""
        with self._lock:
            return self._survey.ahead(run)

    def close(self) -> None:
        """Let go: processes at work go on and are found again by the next manager, threads are stopped and joined."""
        atexit.unregister(self.close)
        self._closing.set()
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        with self._lock:
            children = list(self._children.values())
            self._children.clear()
        for child in children:
            child.abandon()

    # --- the background thread

    def _supervise(self) -> None:
        try:
            while not self._closing.is_set():
                busy = True
                with self._lock:
                    with self._going_on():
                        self._look_after_children()
                    with self._going_on():
                        busy = (self._lead() and self._start_waiting()) or bool(self._children)
                self._wake.wait(self._poll_seconds if busy else IDLE_POLLS * self._poll_seconds)
                self._wake.clear()
        finally:
            if self._leader is not None:
                self._leader.release()

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """Whatever happens to one run, the others want to be looked after. The same trouble is logged once."""
        try:
            yield
        except Exception as error:
            if repr(error) not in self._told:
                self._told.add(repr(error))
                _log.exception("the job manager stumbled and goes on")

    def _lead(self) -> bool:
        """Whether this manager is the one that starts workers; becomes it where the place is free."""
        if self._leader is None:
            lock = FileLock(self.workspace.runs / ".manager.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            self._leader = lock
            for trash in self.workspace.runs.glob(".*.trash"):
                shutil.rmtree(trash, ignore_errors=True)
        return True

    def _look_after_children(self) -> None:
        for path, child in list(self._children.items()):
            with self._going_on():
                if not child.alive:
                    if self._settle(child):
                        del self._children[path]
                        if child.run.status().state == "queued" and _ends(child.run) == child.ends_before:
                            # It could not take the run up, and would be started again and again.
                            self._pass_over(child.run)
                elif child.stopped_at is None:
                    if child.run.stop_requested or not child.run.path.is_dir():
                        child.stop()
                elif time.monotonic() - child.stopped_at > self._grace:
                    child.kill()

    def _start_waiting(self) -> bool:
        """Start the runs whose turn it is. Whether any wait or are at work."""
        waiting, working = self._survey.look()
        at_work = {run.path for run, _ in working}
        busy = [device for _, device in working]
        busy += [wanted_device(child.run) for path, child in self._children.items() if path not in at_work]
        now = time.monotonic()
        self._passed_over = {path: until for path, until in self._passed_over.items() if now < until}
        able = [run for run in waiting if run.path not in self._children and run.path not in self._passed_over]
        for run in startable(able, busy):
            with self._going_on():
                self._start(run)
        return bool(waiting or working)

    def _pass_over(self, run: Run) -> None:
        self._passed_over[run.path] = time.monotonic() + AGAIN_SECONDS

    def _start(self, run: Run) -> None:
        ends = _ends(run)
        try:
            child: Child
            if self.worker == "thread":
                child = ThreadChild(run, self._train, ends_before=ends)
            else:
                child = ProcessChild(run, self._command, ends_before=ends)
        except OSError as error:
            self._pass_over(run)
            what = f"the worker of run {run.id} cannot be started: {error.strerror or error}"
            with contextlib.suppress(LabError):
                self._end(run, "failed", LabError(what, "Resume the run when this is mended"))
        else:
            self._children[run.path] = child

    def _settle(self, child: Child) -> bool:
        """Write the end of a run whose worker is gone without having done so. False: try again later."""
        run, death = child.run, child.death()
        try:
            with run.hold(timeout=1):
                if _ends(run) > child.ends_before or death is None:
                    return True
                state = "failed" if child.stopped_at is None else "stopped"
                self._end(run, state, death, held=True)
        except RunError:  # removed, or taken up by someone else
            return True
        except WorkspaceError:
            return False
        return True

    def _end(self, run: Run, state: str, reason: LabError, *, held: bool = False) -> None:
        with contextlib.nullcontext() if held else run.hold(timeout=1):
            run.append(
                RunFinished(
                    state=state,
                    error=reason.what if state == "failed" else "",
                    remedy=reason.remedy if state == "failed" else "",
                    epochs_done=run.epochs_done,
                    details={"kind": "WorkerError", "reason": reason.what, "log": log_tail(run)},
                    by=run.stopper if state == "stopped" else "",
                )
            )
            run.clear_stop()

    def _open(self, run_id: str) -> Run:
        run = Run(self.workspace.runs / run_id)
        if Path(run_id).name != run_id or not (run.path / "config.json").is_file():
            raise RunError(f"there is no run {run_id!r}")
        return run


def stop_run(run: Run, by: str = "") -> str:
    """Stop a run whoever works on it: take it out of the queue, or ask its worker to stop after its batch.

    Args:
        by: who asks, which the run's end tells.

    Returns:
        What it was: ``queued`` (it is stopped now), ``running`` (it stops soon), or the state in which it had ended.
    """
    state = run.status().state
    if state == "queued" and _take_out(run, by):
        return state
    if state in ("queued", "running", "stopping"):
        run.request_stop(by)
        return "running"
    return state


def _take_out(run: Run, by: str) -> bool:
    """Take a run out of the queue. False where a worker has taken it up by now."""
    try:
        with run.hold(timeout=0.5):
            if run.status().state == "queued":
                run.append(RunFinished(state="stopped", by=clean(by)))
                run.clear_stop()
            return True
    except RunError:
        return False


def _ends(run: Run) -> int:
    return len(each_of(run.events(), RunFinished))
