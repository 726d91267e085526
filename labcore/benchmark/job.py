"""A benchmark as a background job: a process of its own that waits where it was told to, measures, and outlives the page.

All there is to know of it stands in the report's folder, so that every page and every server sees the same job, before and
after a restart: its events, ``job.lock``, held as long as the process lives, ``stop``, which asks it to end, and ``job.log``
with what it printed. The process waits by itself; whoever asked for it may leave.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from labcore.benchmark.events import MOST_TEXT, BenchmarkFinished, BenchmarkStarted, BenchmarkWaiting
from labcore.benchmark.plan import Plan
from labcore.benchmark.report import BenchmarkReport, ReportError, ReportFolder, list_reports
from labcore.errors import LabError, RunError
from labcore.events import Event, last_of
from labcore.jobs.background import launch, tail
from labcore.jobs.queue import Survey
from labcore.workspace import Workspace, is_locked

StopTest = Callable[[], bool]
Measure = Callable[[ReportFolder, StopTest], Iterable[Event]]

COMMAND = (sys.executable, "-X", "faulthandler", "-m", "labcore.benchmark.job")
"""How the process is started; the report's folder and the options follow."""

POLL_SECONDS = 0.5
START_SECONDS = 60.0
"""How long a process may take until it holds its lock; after that it counts as gone."""
NOT_OURS = 3
"""Exit status of a process that found the report gone or in other hands."""


# --- for whoever starts and watches


def start(
    workspace: Workspace,
    plan: Plan,
    *,
    wait: bool = False,
    beside: bool = False,
    by: str = "",
    command: Sequence[str] = COMMAND,
) -> ReportFolder:
    """Start a benchmark in the background.

    Args:
        wait: where the machine is at work, begin when it is free.
        beside: begin at once even so; the figures are then marked as disturbed.
        by: who asks for it.

    Raises:
        RunError: a run or another benchmark is at work, or about to be, and neither was asked for.
        WorkspaceError: the workspace cannot be written, or the process cannot be started.
    """
    trouble = obstacle(workspace)
    if trouble and not wait and not beside:
        raise RunError(f"{trouble}: both would be slowed down, and the figures would be wrong", "Let it wait")
    why = trouble if trouble and not beside else "its process starts"
    folder = ReportFolder.create(workspace, plan, waiting=why, by=by)
    options = ["--beside"] if beside else ["--wait"] if wait else []
    try:
        process = launch(workspace, [*command, str(folder.path), *options], folder.log)
    except OSError as error:
        failure = LabError(f"the benchmark's process cannot be started: {error.strerror or error}", "Try again")
        _fail(folder, failure)
    else:
        # A daemon that only waits: it keeps the child from becoming a zombie and settles what a killed one leaves behind.
        threading.Thread(target=_settle, args=(folder, process), name=f"labcore-{folder.id}", daemon=True).start()
    return folder


def obstacle(workspace: Workspace, *, but: ReportFolder | None = None) -> str:
    """What a benchmark that begins now would share the machine with, in words; empty where it would be alone.

    Args:
        but: the benchmark that asks. Those that were asked for after it wait for it, not it for them.
    """
    waiting, working = Survey(workspace).look()
    if working:
        names = [run.id for run, _ in working]
        return f"run {names[0]} is at work" if len(names) == 1 else f"{len(names)} runs are at work"
    if waiting:
        return f"run {waiting[0].id} waits for its turn" if len(waiting) == 1 else f"{len(waiting)} runs wait"
    for folder in reversed(list_reports(workspace)):
        if but is not None and folder.path == but.path:
            continue
        if folder.held:
            return f"benchmark {folder.id} is at work"
        if is_waiting(folder) and (but is None or folder.id < but.id):
            return f"benchmark {folder.id} waits for its turn"
    return ""


def load(folder: ReportFolder) -> BenchmarkReport:
    """The report as it stands, and whether its process still lives: one that waits with nobody waiting is interrupted.

    Raises:
        ReportError: its plan cannot be read.
    """
    report = folder.load()
    if report.state == "waiting" and not is_waiting(folder):
        return replace(report, state="interrupted", why="")
    if report.state == "waiting" and folder.stop_requested:
        return replace(report, state="stopping")
    return report


def is_waiting(folder: ReportFolder) -> bool:
    """Whether a process of this report lives, or has just been started, and does not measure yet."""
    last = folder.last_word()
    if folder.held or not isinstance(last, BenchmarkWaiting):
        return False
    return is_locked(folder.path / "job.lock") or time.time() - last.time < START_SECONDS


def at_work(workspace: Workspace) -> list[ReportFolder]:
    """The benchmarks that measure or wait, whoever started them, oldest first."""
    return [folder for folder in reversed(list_reports(workspace)) if folder.held or is_waiting(folder)]


def kill(folder: ReportFolder) -> None:
    """End the process of a benchmark at once, where it was asked to stop and does not.

    Raises:
        ReportError: no process of this machine is known to work on it.
    """
    import psutil

    started = last_of(folder.events(), BenchmarkStarted)
    if started is None or not folder.held:
        raise ReportError(f"no process works on report {folder.id}")
    try:
        process = psutil.Process(started.pid)
        # The number may belong to somebody else by now, or to another container.
        if str(folder.path) not in process.cmdline():
            raise ReportError(f"the process of report {folder.id} runs elsewhere", "End it where it was started")
        process.kill()
    except psutil.Error as error:
        raise ReportError(f"the process of report {folder.id} cannot be ended: {error}") from error


def _settle(folder: ReportFolder, process: subprocess.Popen[bytes]) -> None:
    """Wait for the process and write the end of a benchmark that could not do so itself."""
    status = process.wait()
    if status == NOT_OURS:
        return
    if status < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-status).name
            reason = ", most likely because the memory ran out" if -status == signal.SIGKILL else ""
            _fail(folder, LabError(f"the benchmark's process was ended by {name}{reason}", "Try again"))
            return
    last = next((line for line in reversed(log_tail(folder)) if line.strip()), "nothing in its log")
    _fail(folder, LabError(f"the benchmark's process ended with status {status}: {last}", "Try again"))


def _fail(folder: ReportFolder, error: LabError) -> None:
    """Write why it ended, unless its end has been written. Where it was asked to stop, that is what it did."""
    asked = folder.stop_requested
    end = (
        BenchmarkFinished(state="stopped")
        if asked
        else BenchmarkFinished(state="failed", error=error.what[:MOST_TEXT], remedy=error.remedy[:MOST_TEXT])
    )
    _finish(folder, end)


def _finish(folder: ReportFolder, end: BenchmarkFinished) -> None:
    # A removed report or a full disk: what became of it is then read off the lock.
    with contextlib.suppress(LabError), folder.hold(timeout=1):
        if not isinstance(folder.last_word(), BenchmarkFinished):
            folder.append(end)
        folder.clear_stop()


def log_tail(folder: ReportFolder, lines: int = 12) -> list[str]:
    """The last lines that the process printed."""
    return tail(folder.log, lines)


# --- the process


def work(
    folder: ReportFolder, should_stop: StopTest, *, wait: bool, beside: bool, measure: Measure | None = None
) -> None:
    """Wait for the machine where that was asked for, then measure. The end is written, whatever it is, not raised.

    Raises:
        ReportError: the report is gone, or another process works on it. Nothing was changed.
    """
    lock = FileLock(folder.path / "job.lock")
    if not (folder.path / "plan.json").is_file():
        raise ReportError(f"benchmark report {folder.id} is not there any more")
    try:
        lock.acquire(timeout=1)
    except Timeout as error:
        raise ReportError(f"another process works on report {folder.id}") from error

    def stop() -> bool:
        return should_stop() or folder.stop_requested

    try:
        if beside or _await_turn(folder, stop, wait=wait):
            for _ in (measure or _measure)(folder, stop):
                pass
        else:
            _finish(folder, BenchmarkFinished(state="stopped"))
    except LabError as error:
        traceback.print_exc()
        _fail(folder, error)
    except MemoryError:
        _fail(folder, LabError("the machine's memory ran out", "Choose smaller batches, or close other programs"))
    except Exception as error:
        traceback.print_exc()
        what = f"unexpected {type(error).__name__}: {error}"
        _fail(folder, LabError(what, f"This is a fault of the lab; the full traceback is in {folder.log}"))
    finally:
        lock.release()


def _await_turn(folder: ReportFolder, stop: StopTest, *, wait: bool) -> bool:
    """Wait until the machine is free, telling for what. False: it was asked to stop meanwhile."""
    workspace, told = Workspace(folder.path.parent.parent), ""
    while not stop():
        trouble = obstacle(workspace, but=folder)
        if not trouble:
            return True
        if not wait:
            raise RunError(f"{trouble}: both would be slowed down, and the figures would be wrong", "Let it wait")
        if trouble != told:
            folder.append(BenchmarkWaiting(why=trouble))
            told = trouble
        time.sleep(POLL_SECONDS)
    return False


def _measure(folder: ReportFolder, stop: StopTest) -> Iterable[Event]:
    from labcore.benchmark.run import run_plan

    return run_plan(folder.plan, folder, stop)


def main(arguments: Sequence[str] | None = None, measure: Measure | None = None) -> int:
    """Entry of the process: ``python -m labcore.benchmark.job REPORT_DIR [--wait | --beside]``.

    SIGTERM and SIGINT stop it after the case at hand. Exit status 0 says that the end has been written.
    """
    parser = argparse.ArgumentParser(prog="python -m labcore.benchmark.job")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--beside", action="store_true")
    given = parser.parse_args(arguments)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with contextlib.suppress(OSError):  # where memory runs out, the kernel should choose this process, not the server
        Path("/proc/self/oom_score_adj").write_text("500")
    try:
        work(ReportFolder(given.folder), asked.is_set, wait=given.wait, beside=given.beside, measure=measure)
    except ReportError as error:
        print(error, file=sys.stderr)
        return NOT_OURS
    return 0


if __name__ == "__main__":
    sys.exit(main())
