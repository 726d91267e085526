"""Where jobs are worked on: each has a child, a process or a thread that works on one job."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labcore.device import AUTO_DEVICE
from labcore.errors import LabError
from labcore.jobs.background import launch, tail
from labcore.jobs.folder import JobFolder
from labcore.jobs.process import NOT_OURS, Work, work

COMMAND = (sys.executable, "-X", "faulthandler", "-m", "labcore.jobs")
"""How the process of a job is started; the job's directory follows."""

_REASONS = {
    signal.SIGKILL: (
        "probably because the machine ran out of memory",
        "Close other programs or choose a smaller batch size, then {again}",
    ),
    signal.SIGTERM: ("from outside the lab", "{Again}"),
    signal.SIGSEGV: ("a crash in compiled code", "{Again}; if it happens again, choose another device"),
    signal.SIGABRT: ("a crash in compiled code", "{Again}; if it happens again, choose another device"),
    signal.SIGBUS: (
        "probably because the disk or the shared memory is full",
        "Free some space, then {again}",
    ),
}


@dataclass
class Child(ABC):
    """What works on a job here.

    ``device`` is what the job has for itself here. ``stopped_at`` is when it was asked to stop, on the monotonic clock; ``ends_before`` how
    often the job had ended when it was started.
    """

    job: JobFolder
    device: str = field(default="", kw_only=True)
    stopped_at: float | None = field(default=None, init=False)
    ends_before: int = field(default=0, init=False)

    def stop(self) -> None:
        """Ask it to stop soon."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self._ask()

    @property
    @abstractmethod
    def alive(self) -> bool: ...
    @abstractmethod
    def _ask(self) -> None: ...
    @abstractmethod
    def kill(self) -> None:
        """End it at once, where that can be done."""

    @abstractmethod
    def abandon(self) -> None:
        """Look after it no more."""

    @abstractmethod
    def death(self) -> LabError | None:
        """Why it is gone without having told the job's end; None where the job was not its own to end."""


Executor = Callable[..., Child]
"""Called with a job and ``device``, starts the work on it. Raises OSError where that cannot be done."""


@dataclass
class ProcessChild(Child):
    """A process and a session of its own, its output in the job's log."""

    command: Sequence[str] = COMMAND
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        gpu = {AUTO_DEVICE: self.device} if self.device.startswith("cuda:") else {}
        self.process = launch(self.job.workspace, [*self.command, str(self.job.path)], self.job.log, gpu)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def _ask(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()

    def abandon(self) -> None:
        # The process goes on without us; Popen would warn about that when it is collected.
        self.process.poll()
        if self.process.returncode is None:
            self.process.returncode = 0

    def death(self) -> LabError | None:
        status, again = self.process.returncode, self.job.kind.again
        if status == NOT_OURS:
            return None
        if status >= 0:
            last = next((line for line in reversed(tail(self.job.log)) if line.strip()), "nothing in its log")
            return LabError(f"the worker ended with status {status}: {last}", f"See the log; then {again}")
        try:
            number = signal.Signals(-status)
        except ValueError:  # a real-time signal has no name
            return LabError(f"the worker was ended by signal {-status}", again.capitalize())
        reason, remedy = _REASONS.get(number, ("", "{Again}"))
        what = f"the worker was ended by signal {-status} ({number.name}), {reason}".rstrip(", ")
        return LabError(what, remedy.format(again=again, Again=again.capitalize()))


@dataclass
class ThreadChild(Child):
    """A thread of this process, for debugging and for hosts that forbid child processes."""

    doing: Work | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._asked = threading.Event()
        self._error: BaseException | None = None
        # A daemon, since Python joins other threads before it runs atexit functions; the manager's own joins this one.
        self.thread = threading.Thread(target=self._work, name=f"labcore-{self.job.id}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            work(self.job, self._asked.is_set, doing=self.doing, only_queued=True)
        except BaseException as error:
            self._error = error

    @property
    def alive(self) -> bool:
        return self.thread.is_alive()

    def _ask(self) -> None:
        self._asked.set()

    def kill(self) -> None:
        pass  # a thread cannot be ended from outside

    def abandon(self) -> None:
        self.stop()
        self.thread.join()

    def death(self) -> LabError | None:
        if isinstance(self._error, self.job.kind.error):
            return None
        return LabError(f"the worker thread ended with {self._error!r}", self.job.kind.again.capitalize())
