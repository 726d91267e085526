"""Looks after the queue of a container whether or not a page is open: ``python -m labcore.container.keeper``

A server of pages makes its job manager when the first visitor comes. After a restart nobody may come for hours, while runs wait
that the stop cut short. So the keeper holds a manager of its own from the start; the pages' managers leave the starting of workers to it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from labcore.allowed_paths import restrict
from labcore.jobs import preemption
from labcore.jobs.manager import JobManager
from labcore.texts import printable
from labcore.workspace import Workspace


def resumes(environment: str | None = None) -> bool:
    """Whether runs that the container's stop cut short go on by themselves: unless ``LABCORE_RESUME`` is off."""
    value = os.environ.get("LABCORE_RESUME", "") if environment is None else environment
    return value.strip().lower() not in ("off", "0", "no", "false")


def main() -> int:
    """Queue again what was cut short, then look after the queue until SIGTERM or SIGINT. Workers at work are left alone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    restrict()  # what it starts was asked for by visitors of the pages
    workspace = Workspace.default()
    if resumes():
        for job in preemption.queue_again(workspace):
            print(f"lab: {printable(job.title)} goes on from its last checkpoint", file=sys.stderr, flush=True)
    manager = JobManager(workspace)
    stop.wait()
    manager.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
