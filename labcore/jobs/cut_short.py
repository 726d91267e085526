"""Runs that the end of their machine's session cut short, as the stop of a container does, and that should go on when it is back.

A run is marked before its worker is told to stop. The mark counts as long as nobody has taken the run up since, so a run that somebody
resumed and stopped on purpose stays stopped. A run whose container was killed without a word has no mark: it is *interrupted* and waits
for a person, so that one that brings its machine down does not do so again and again.
"""

from __future__ import annotations

import contextlib
import time

from labcore.errors import LabError
from labcore.events import RunQueued, RunStarted, each_of
from labcore.glances import known
from labcore.runs import Run, list_runs
from labcore.workspace import Workspace

MARK = "cut_short"
GOES_ON = ("stopped", "interrupted")


def mark(run: Run) -> None:
    """Note that a run at work, or waiting, is to go on after its machine has been away. One that was asked to stop is left alone.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    if not run.stop_requested:
        run.save(MARK, {"starts": _starts(run)})


def unmark(run: Run) -> None:
    with contextlib.suppress(OSError):
        (run.path / f"{MARK}.json").unlink(missing_ok=True)


def waits(run: Run) -> bool:
    """Whether a run is in the queue, going by its events alone: quick, however many runs there are."""
    return known(run)[1].last == "run_queued"


def is_cut_short(run: Run) -> bool:
    """Whether a run has the mark, has stopped or was interrupted, and was not taken up again since."""
    noted = run.load(MARK)
    return isinstance(noted, dict) and noted.get("starts") == _starts(run) and run.status().state in GOES_ON


def queue_again(workspace: Workspace) -> list[Run]:
    """Put the runs that were cut short back into the queue, the oldest first; each goes on from its last checkpoint.

    Returns:
        The runs that wait now.
    """
    queued = []
    for run in reversed(list_runs(workspace)):
        if not (run.path / f"{MARK}.json").exists():
            continue
        with contextlib.suppress(LabError, OSError), run.hold(timeout=0.5):
            # Under the lock nobody is at work on it: what its events call running was interrupted.
            noted, state = run.load(MARK), run.status().state
            fits = isinstance(noted, dict) and noted.get("starts") == _starts(run)
            if fits and state in (*GOES_ON, "running", "stopping"):
                run.clear_stop()
                run.append(RunQueued(time=_place(run)))
                queued.append(run)
            unmark(run)
    return queued


def _place(run: Run) -> float:
    """When it came into the queue, or was made: it takes its old place in the line, before those that came after it."""
    events = run.events()
    return run.status().queued_at or (events[0].time if events else time.time())


def _starts(run: Run) -> int:
    return len(each_of(run.events(), RunStarted))
