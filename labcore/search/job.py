"""A search in the background: its driver in a process of its own, which outlives the page that started it."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from labcore.errors import LabError
from labcore.jobs.background import launch, tail
from labcore.jobs.manager import JobManager
from labcore.search.driver import POLL_SECONDS, drive
from labcore.search.folder import RESUMABLE, Search
from labcore.search.journal import SearchError
from labcore.search.settings import Settings
from labcore.texts import counted
from labcore.workspace import Workspace

COMMAND = (sys.executable, "-X", "faulthandler", "-m", "labcore.search.job")
"""How the driver is started; the search's folder follows."""
NOT_OURS = 3
"""Exit status of a driver that found the search gone or in other hands."""


def start(workspace: Workspace, settings: Settings, *, by: str = "", command: Sequence[str] = COMMAND) -> Search:
    """Make a search of ``by`` and drive it in the background.

    Raises:
        WorkspaceError: the workspace cannot be written.
        SearchError: the process cannot be started.
    """
    search = Search.create(workspace, settings, by=by)
    _launch(workspace, search, command)
    return search


def resume(
    workspace: Workspace, search: Search, *, trials: int | None = None, command: Sequence[str] = COMMAND
) -> None:
    """Go on with a search in the background.

    Args:
        trials: another number of trials in all; a finished search goes on where it is higher than before.

    Raises:
        SearchError: it is at work, or there is nothing left to do.
    """
    make_ready(search, trials)
    search.tell_life("starting")
    _launch(workspace, search, command)


def make_ready(search: Search, trials: int | None = None) -> None:
    """Prepare a search that is to be gone on with.

    Raises:
        SearchError: it is at work, or there is nothing left to do.
    """
    report = search.load()
    if report.active:
        raise SearchError(f"search {search.id} is {report.state}", "Stop it first")
    if report.state not in RESUMABLE and (trials or report.settings.trials) <= report.done:
        raise SearchError(
            f"search {search.id} is finished after {counted(report.done, 'trial')}",
            "Ask for more trials to go on with it",
        )
    if trials is not None:
        search.extend(trials)
    search.clear_stop()


def _launch(workspace: Workspace, search: Search, command: Sequence[str]) -> None:
    try:
        process = launch(workspace, [*command, str(search.path)], search.log)
    except OSError as error:
        what = f"the driver of search {search.id} cannot be started: {error.strerror or error}"
        search.tell_life("failed", what, "Try again")
        raise SearchError(what, "Try again") from error
    # A daemon that only waits: it keeps the child from becoming a zombie and tells what one that could not even begin says.
    threading.Thread(target=_settle, args=(search, process), name=f"labcore-{search.id}", daemon=True).start()


def _settle(search: Search, process: subprocess.Popen[bytes]) -> None:
    status = process.wait()
    if status <= 0 or status == NOT_OURS:  # told its end, or killed: that can be read off its lock
        return
    with contextlib.suppress(LabError, OSError):
        if search.path.is_dir() and search.state() in ("starting", "interrupted"):
            last = next((line for line in reversed(tail(search.log)) if line.strip()), "nothing in its log")
            search.tell_life("failed", f"the driver ended with status {status}: {last}", "Resume the search")


def main(arguments: Sequence[str] | None = None, make_queue: Callable[[Workspace], JobManager] = JobManager) -> int:
    """Entry of the process: ``python -m labcore.search.job SEARCH_DIR``.

    SIGTERM and SIGINT stop the search. Exit status 0 says that its end has been written.
    """
    parser = argparse.ArgumentParser(prog="python -m labcore.search.job")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--poll", type=float, default=POLL_SECONDS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    search = Search(given.folder)
    workspace = Workspace(search.path.parent.parent)
    queue = make_queue(workspace)
    try:
        for event in drive(search, workspace, queue, asked.is_set, poll_seconds=given.poll):
            print(event.to_json(), flush=True)
    except SearchError as error:
        print(error, file=sys.stderr)
        return NOT_OURS
    finally:
        queue.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
