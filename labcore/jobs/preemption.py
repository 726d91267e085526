"""Preempted jobs: those that the stop of their worker, as that of its container, ended, and that the next start takes up again.

A job is marked before it is asked to stop. The mark counts as long as nobody has taken the job up since, so one that somebody resumed
and stopped on purpose stays stopped. A job that was killed without a word has no mark: it is *interrupted* and waits for a person, so
that one that brings its machine down does not do so again and again.
"""

from __future__ import annotations

import contextlib
import time

from labcore.errors import LabError
from labcore.events import Started, each_of
from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import working_kinds
from labcore.workspace import Workspace

MARK, OLD_MARK = "preempted", "cut_short"
"""The mark's file, and its name in version 0.1, which may have stopped what this version starts."""
GOES_ON = ("stopped", "interrupted")


def mark(job: JobFolder) -> None:
    """Note that a running job is to go on after its worker has been away. One that was asked to stop before is left alone.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    if not job.stop_requested:
        job.save(MARK, {"starts": _starts(job)})


def unmark(job: JobFolder) -> None:
    for name in (MARK, OLD_MARK):
        with contextlib.suppress(OSError):
            (job.path / f"{name}.json").unlink(missing_ok=True)


def is_preempted(job: JobFolder) -> bool:
    """Whether a job has the mark, has stopped or was interrupted, and was not taken up again since."""
    return _is_marked(job) and job.status().state in GOES_ON


def queue_again(workspace: Workspace) -> list[JobFolder]:
    """Put the jobs that were preempted back into the queue, the oldest first; each goes on from its last checkpoint.

    Returns:
        The jobs that wait now.
    """
    queued = []
    jobs = [job for kind in working_kinds(workspace) if kind.kind.resumes for job in kind.every(workspace)]
    for job in sorted(jobs, key=lambda job: job.id):
        if not any((job.path / f"{name}.json").exists() for name in (MARK, OLD_MARK)):
            continue
        with contextlib.suppress(LabError, OSError), job.hold(timeout=0.5):
            # Under the lock nobody works on it: what its events call running was interrupted.
            if _is_marked(job) and job.status().state in (*GOES_ON, "running", "stopping"):
                job.clear_stop()
                job.append(job.queued().model_copy(update={"time": _place(job)}))
                queued.append(job)
            unmark(job)
    return queued


def _is_marked(job: JobFolder) -> bool:
    noted = job.load(MARK) or job.load(OLD_MARK)
    return isinstance(noted, dict) and noted.get("starts") == _starts(job)


def _place(job: JobFolder) -> float:
    """When it came into the queue, or was made: it takes its old place in the line, before those that came after it."""
    events = job.events()
    return job.status().queued_at or (events[0].time if events else time.time())


def _starts(job: JobFolder) -> int:
    return len(each_of(job.events(), Started))
