"""Workers as the job manager sees them: a process or a thread that works on one run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from labcore.errors import LabError, RunError
from labcore.jobs.background import launch
from labcore.jobs.worker import NOT_OURS, Train, log_tail, work, workspace_of
from labcore.runs import Run

COMMAND = (sys.executable, "-X", "faulthandler", "-m", "labcore.jobs.worker")
"""How a worker process is started; the run's directory follows."""

_REASONS = {
    signal.SIGKILL: (
        "most likely because the machine ran out of memory",
        "Resume the run after closing other programs, or start one with a smaller batch size",
    ),
    signal.SIGTERM: ("by someone outside the lab", "Resume the run"),
    signal.SIGSEGV: ("a crash in compiled code", "Resume the run; should it happen again, choose another device"),
    signal.SIGABRT: ("a crash in compiled code", "Resume the run; should it happen again, choose another device"),
    signal.SIGBUS: (
        "most likely because the disk or the shared memory is full",
        "Free some space, then resume the run",
    ),
}


class Child(Protocol):
    """A worker that this process started. ``stopped_at`` is when it was asked to stop, on the monotonic clock."""

    run: Run
    stopped_at: float | None
    ends_before: int
    """How often the run had ended when the worker was started."""

    @property
    def alive(self) -> bool: ...
    def stop(self) -> None:
        """Ask it to stop after the batch at hand."""

    def kill(self) -> None:
        """End it at once, where that can be done."""

    def abandon(self) -> None:
        """Look after it no more."""

    def death(self) -> LabError | None:
        """Why it is gone without having told the run's end; None where the run was not its own to end."""


@dataclass
class ProcessChild:
    """A worker in a process and a session of its own, its output in the run's ``worker.log``."""

    run: Run
    command: Sequence[str] = COMMAND
    stopped_at: float | None = None
    ends_before: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = launch(workspace_of(self.run), [*self.command, str(self.run.path)], self.run.log)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self.process.terminate()

    def kill(self) -> None:
        self.process.kill()

    def abandon(self) -> None:
        # The worker goes on without us; Popen would warn about that when it is collected.
        self.process.poll()
        if self.process.returncode is None:
            self.process.returncode = 0

    def death(self) -> LabError | None:
        status = self.process.returncode
        if status == NOT_OURS:
            return None
        if status >= 0:
            last = next((line for line in reversed(log_tail(self.run)) if line.strip()), "nothing in its log")
            return LabError(f"the worker ended with status {status}: {last}", "The log tells more; then resume the run")
        try:
            number = signal.Signals(-status)
        except ValueError:  # a real-time signal has no name
            return LabError(f"the worker was ended by signal {-status}", "Resume the run")
        reason, remedy = _REASONS.get(number, ("", "Resume the run"))
        return LabError(f"the worker was ended by signal {-status} ({number.name}), {reason}".rstrip(", "), remedy)


@dataclass
class ThreadChild:
    """A worker in a thread of this process, for debugging and for hosts that forbid child processes."""

    run: Run
    train: Train | None = None
    stopped_at: float | None = None
    ends_before: int = 0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._asked = threading.Event()
        self._error: BaseException | None = None
        # A daemon, since Python joins other threads before it runs atexit functions; the manager's own joins this one.
        self.thread = threading.Thread(target=self._work, name=f"labcore-{self.run.id}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            work(self.run, self._asked.is_set, train=self.train, only_queued=True)
        except BaseException as error:
            self._error = error

    @property
    def alive(self) -> bool:
        return self.thread.is_alive()

    def stop(self) -> None:
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self._asked.set()

    def kill(self) -> None:
        pass  # a thread cannot be ended from outside

    def abandon(self) -> None:
        self.stop()
        self.thread.join()

    def death(self) -> LabError | None:
        if isinstance(self._error, RunError):
            return None
        return LabError(f"the worker thread ended with {self._error!r}", "Resume the run")
