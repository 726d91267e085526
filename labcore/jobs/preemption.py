"""Jobs that the end of their machine's session cut short, as the stop of a container does, and that should go on when it is back.

A job is marked before its process is told to stop. The mark counts as long as nobody has taken the job up since, so one that somebody
resumed and stopped on purpose stays stopped. A job whose container was killed without a word has no mark: it is *interrupted* and waits
for a person, so that one that brings its machine down does not do so again and again.
"""

from __future__ import annotations

import contextlib
import time

from labcore.errors import LabError
from labcore.events import Started, each_of
from labcore.jobs.folder import JobFolder
from labcore.jobs.glances import known
from labcore.jobs.kind import working_kinds
from labcore.workspace import Workspace

MARK = "cut_short"
GOES_ON = ("stopped", "interrupted")


def mark(job: JobFolder) -> None:
    """Note that a job at work, or waiting, is to go on after its machine has been away. One that was asked to stop is left alone.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    if not job.stop_requested:
        job.save(MARK, {"starts": _starts(job)})


def unmark(job: JobFolder) -> None:
    with contextlib.suppress(OSError):
        (job.path / f"{MARK}.json").unlink(missing_ok=True)


def waits(job: JobFolder) -> bool:
    """Whether a job is in the queue, going by its events alone: quick, however many jobs there are."""
    return known(job)[1].last == "queued"


def is_preempted(job: JobFolder) -> bool:
    """Whether a job has the mark, has stopped or was interrupted, and was not taken up again since."""
    noted = job.load(MARK)
    return isinstance(noted, dict) and noted.get("starts") == _starts(job) and job.status().state in GOES_ON


def queue_again(workspace: Workspace) -> list[JobFolder]:
    """Put the jobs that were cut short back into the queue, the oldest first; each goes on from its last checkpoint.

    Returns:
        The jobs that wait now.
    """
    queued = []
    jobs = [job for kind in working_kinds(workspace) if kind.kind.resumes for job in kind.every(workspace)]
    for job in sorted(jobs, key=lambda job: job.id):
        if not (job.path / f"{MARK}.json").exists():
            continue
        with contextlib.suppress(LabError, OSError), job.hold(timeout=0.5):
            # Under the lock nobody is at work on it: what its events call running was interrupted.
            noted, state = job.load(MARK), job.status().state
            fits = isinstance(noted, dict) and noted.get("starts") == _starts(job)
            if fits and state in (*GOES_ON, "running", "stopping"):
                job.clear_stop()
                job.append(job.queued().model_copy(update={"time": _place(job)}))
                queued.append(job)
            unmark(job)
    return queued


def _place(job: JobFolder) -> float:
    """When it came into the queue, or was made: it takes its old place in the line, before those that came after it."""
    events = job.events()
    return job.status().queued_at or (events[0].time if events else time.time())


def _starts(job: JobFolder) -> int:
    return len(each_of(job.events(), Started))
