"""The owner of a workspace's queue as a process of its own: ``labcore worker``, and what a container runs.

It starts the jobs that are next. When it is told to stop, it marks those running as preempted and has them stop well, so that its next
start goes on with them before it is anyone else's turn (:mod:`labcore.jobs.preemption`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labcore.errors import ConfigError, LabError
from labcore.events import Started
from labcore.jobs import preemption
from labcore.jobs.executors import Executor
from labcore.jobs.folder import JobFolder, is_here
from labcore.jobs.manager import IDLE_POLLS, POLL_SECONDS, JobManager
from labcore.workspace import Workspace

STOP_SECONDS = 9.0
"""How long a stop may take: within the ten seconds after which Docker kills."""
STOP_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Worker:
    """Starts the jobs of a workspace, and preempts them when it is stopped.

    Attributes:
        tell: takes lines for people.
        stop_seconds: how long a stop may take; a job that has not ended by then is killed, and goes on from its last whole epoch.
        resumes: what was preempted goes on by itself.
        starts: whether it starts jobs. Otherwise it only stands by for the stop.
        owns_container: the container ends with this process, so it stops what was started there from a shell as well.
        executor: starts the work on a job, see :class:`~labcore.jobs.manager.JobManager`.
    """

    workspace: Workspace
    tell: Callable[[str], None]
    stop_seconds: float = STOP_SECONDS
    resumes: bool = True
    starts: bool = True
    owns_container: bool = False
    executor: Executor | None = None

    def run(self, stopping: threading.Event, *, until_empty: bool = False) -> None:
        """Work until it is told to stop.

        Args:
            until_empty: end as well when no job waits or is running.

        Raises:
            WorkspaceError: the workspace cannot be written.
        """
        if self.resumes:
            for job in preemption.queue_again(self.workspace):
                self.tell(f"{job.title} goes on from its last checkpoint")
        manager = JobManager(self.workspace, self.executor, background=False, starts=self.starts)
        # until it is closed no other process starts jobs, which would end with this container
        with contextlib.closing(manager):
            if not self.owns_container:  # what a container serves beside it goes on
                manager.require_place()
            self._work(manager, stopping, until_empty)
            self._preempt(manager)

    def _work(self, manager: JobManager, stopping: threading.Event, until_empty: bool) -> None:
        told = not self.starts
        while not stopping.is_set():
            busy = manager.look()
            if not told and manager.waits_for_another:
                told = True
                self.tell("another process starts the jobs of this workspace; this one takes over when that one ends")
            if until_empty and manager.leads and not busy:
                return
            stopping.wait(POLL_SECONDS if busy else IDLE_POLLS * POLL_SECONDS)

    def _preempt(self, manager: JobManager) -> None:
        """Have the running jobs stop, and mark before those that are to go on."""
        manager.starts = False
        end = time.monotonic() + self.stop_seconds
        asked, marked = set[Path](), list[JobFolder]()
        while time.monotonic() < end:
            children, here = manager.look(), self._ending(manager)
            if not children and not here:
                break
            drivers = {job.id for job in here}
            for job in here:
                # What a driver running here stops and resumes is left to it. One without a first event yet is looked at again.
                if job.path not in asked and job.driver not in drivers and job.status().state == "running":
                    asked.add(job.path)
                    # removed meanwhile; or a full disk, which is no reason to go on
                    with contextlib.suppress(LabError, OSError):
                        if self.resumes and job.kind.resumes and not job.driver:
                            preemption.mark(job)
                            marked.append(job)
                    with contextlib.suppress(LabError, OSError):
                        manager.stop(job)
            time.sleep(STOP_POLL_SECONDS)
        manager.kill()
        for job in marked:
            self._settle(job)

    def _ending(self, manager: JobManager) -> list[JobFolder]:
        """The running jobs that end with this process."""
        return [
            job
            for job in manager.at_work()
            if manager.has(job) or (self.owns_container and is_here(job.last_event(Started)))
        ]

    def _settle(self, job: JobFolder) -> None:
        """Tell what becomes of a job that was marked; one that has finished after all loses the mark."""
        with contextlib.suppress(LabError, OSError):
            if job.held or preemption.is_preempted(job):
                self.tell(f"{job.title} is preempted and goes on at the next start")
            else:
                preemption.unmark(job)


def stop_seconds(text: str) -> float:
    """How long a stop may take, as ``LABCORE_STOP_SECONDS`` gives it.

    Raises:
        ConfigError: no number, or one out of bounds.
    """
    if not text.strip():
        return STOP_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= 3600:
        raise ConfigError(
            f"LABCORE_STOP_SECONDS={text} is not a number of seconds from 1 to 3600",
            "Give it a little less than what your container engine or service manager waits",
        )
    return seconds


def resumes(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether preempted jobs go on by themselves: unless ``LABCORE_RESUME`` is off."""
    return environment.get("LABCORE_RESUME", "").strip().lower() not in ("off", "0", "no", "false")
