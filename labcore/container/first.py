"""Process 1 of the container: starts the command, buries orphans, and stops everything in good order.

Docker tells a stop to process 1 alone, waits some seconds, and ends the container with everything in it. Workers of the lab stand in
sessions of their own so that they outlive their server, and trainings from a shell (``docker exec``) are nobody's children: none of
them would hear of it. So process 1 passes the word on. It goes by processes and not by the runs' stop files, since other containers
may work in the same workspace, and since what is no run (a benchmark, an extraction, a backup) wants to end well too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from labcore.container import processes
from labcore.container.commands import Command
from labcore.errors import LabError
from labcore.jobs import preemption
from labcore.jobs.folder import JobFolder
from labcore.jobs.kind import working_kinds
from labcore.workspace import Workspace

STOP_SECONDS = 9.0
"""How long a stop may take: within the ten seconds after which Docker kills."""
SERVER_SECONDS = 4.0
"""How long who starts runs may take to go, until the runs are told as well."""
KEEPER_PAUSE = 10.0
TICK, STOP_TICK = 1.0, 0.05
STOPS = {signal.SIGTERM, signal.SIGINT}
PASSED_ON = {signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
WATCHED = STOPS | PASSED_ON | {signal.SIGCHLD}


class First:
    """Starts a command and stays with it to its end, as process 1 or as its stand-in for what descends from it.

    Args:
        command: what to start.
        workspace: whose runs may be at work here.
        keeper: a command line that is kept running beside it.
        seconds: how long a stop may take.
        marks: whether runs that the stop cuts short are marked to go on at the next start.
    """

    def __init__(
        self,
        command: Command,
        workspace: Workspace,
        *,
        keeper: Sequence[str] | None = None,
        seconds: float = STOP_SECONDS,
        marks: bool = False,
    ) -> None:
        self.command, self.workspace = command, workspace
        self._keeper_words, self._seconds, self._marks = keeper, seconds, marks
        self._main = self._keeper = 0
        self._ended: dict[int, int] = {}
        self._keeper_again = 0.0
        self._told: set[int] = set()
        self._marked: dict[Path, JobFolder] = {}
        self._awaited: set[int] = set()
        self._looked_at_queue = False

    def run(self) -> int:
        """Until the command has ended, or until SIGTERM or SIGINT.

        Returns:
            0 after a stop; 137 where the command had to be killed for it; else the command's status, 128 and the signal if one ended it.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        try:
            processes.adopt_orphans()
            self._main = self._start(self.command, before, foreground=True)
            while self._main not in self._ended:
                self._mind_keeper(before)
                got = self._wait(TICK)
                if got in STOPS:
                    self._say(f"stopping, within {self._seconds:g} s")
                    self._stop()
                    return 0 if self._main in self._ended else 128 + signal.SIGKILL
                if got in PASSED_ON:
                    _tell(self._main, got)
            self._stop()  # what still runs here ends with this process
            return self._ended[self._main]
        finally:
            self._kill_rest()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    # --- stopping

    def _stop(self) -> None:
        """Those that start runs go first, lest they take the next one from the queue; then the runs and all else."""
        end = time.monotonic() + self._seconds
        if self.command.is_app:
            self._mark(processes.others())
            for number in (self._keeper, self._main):
                self._tell_once(number)
            self._wait_until(
                lambda: {self._keeper, self._main} <= {0, *self._ended},
                min(end, time.monotonic() + min(SERVER_SECONDS, self._seconds / 3)),
            )
        self._wait_until(self._all_told_and_gone, end)
        if self._awaited & processes.others():
            self._say(f"{len(self._awaited)} had not ended in time; runs among them keep their last whole epoch")
        self._settle_marks()

    def _all_told_and_gone(self) -> bool:
        there = processes.others()
        # Who lets go of a run's lock is waited for still: it may have more to put in order.
        self._awaited = {number for number in there if number in self._awaited or self._matters(number)}
        self._mark(there - self._told)
        for number in sorted(there):
            self._tell_once(number)
        return self._main in self._ended and not self._awaited

    def _matters(self, number: int) -> bool:
        return (
            number == self._main or processes.is_of_the_lab(number) or bool(processes.jobs_of(self.workspace, {number}))
        )

    def _tell_once(self, number: int) -> None:
        if number and number not in self._told and number not in self._ended:
            self._told.add(number)
            _tell(number, signal.SIGTERM)

    def _mark(self, numbers: set[int]) -> None:
        """Mark the jobs at work here, and those that wait: a search that is told to stop takes its trials out of the queue."""
        if not self._marks or not numbers:
            return
        with contextlib.suppress(LabError, OSError):
            fresh = processes.jobs_of(self.workspace, numbers)
            if not self._looked_at_queue:
                self._looked_at_queue = True
                every = (job for kind in working_kinds(self.workspace) for job in kind.every(self.workspace))
                fresh += [job for job in every if preemption.waits(job)]
            for job in fresh:
                trial = job.load("search") is not None and job.kind.room == "runs"  # goes on with its search
                if job.path not in self._marked and job.kind.resumes and not trial:
                    preemption.mark(job)
                    self._marked[job.path] = job

    def _settle_marks(self) -> None:
        """Take the mark from jobs that finished after all or still wait, and tell of the others."""
        if not self._marked:
            return
        ours = {job.path for job in processes.jobs_of(self.workspace, processes.others())}
        for job in self._marked.values():
            with contextlib.suppress(LabError, OSError):
                if job.path in ours or preemption.is_preempted(job):
                    self._say(f"{job.title} was cut short and goes on at the next start")
                else:
                    preemption.unmark(job)

    def _kill_rest(self) -> None:
        """End what is left, as the kernel does when process 1 ends."""
        for number in processes.others():
            _tell(number, signal.SIGKILL)
        self._wait_until(lambda: not processes.others(), time.monotonic() + 1)

    # --- starting and waiting

    def _start(self, command: Command, mask: set[signal.Signals] | set[int], *, foreground: bool = False) -> int:
        number = os.fork()
        if number == 0:
            _become(command, mask, foreground)
        return number

    def _mind_keeper(self, mask: set[signal.Signals] | set[int]) -> None:
        if self._keeper_words is None or time.monotonic() < self._keeper_again:
            return
        if self._keeper and self._keeper not in self._ended:
            return
        if self._keeper:
            self._say(f"the keeper of the queue ended with status {self._ended.pop(self._keeper)} and is started again")
        self._keeper = self._start(Command(self._keeper_words), mask)
        self._keeper_again = time.monotonic() + KEEPER_PAUSE

    def _wait(self, seconds: float) -> signal.Signals | None:
        """Wait for a signal, bury the dead."""
        got = signal.sigtimedwait(WATCHED, seconds)
        while True:
            try:
                number, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if number == 0:
                break
            if number in (self._main, self._keeper):
                code = os.waitstatus_to_exitcode(status)
                self._ended[number] = code if code >= 0 else 128 - code
        return None if got is None else signal.Signals(got.si_signo)

    def _wait_until(self, condition: Callable[[], bool], end: float) -> None:
        while not condition() and time.monotonic() < end:
            self._wait(STOP_TICK)

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            print(f"lab: {text}", file=sys.stderr, flush=True)


def _tell(number: int, what: int) -> None:
    with contextlib.suppress(OSError):  # gone by now, or another user's
        os.kill(number, what)


def _become(command: Command, mask: set[signal.Signals] | set[int], foreground: bool) -> NoReturn:
    """In the child: a process group of its own, in front where there is a terminal, so that Ctrl-C there is for the command alone."""
    status = 126
    try:
        os.setpgid(0, 0)
        if foreground and os.isatty(0):
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            with contextlib.suppress(OSError):
                os.tcsetpgrp(0, os.getpgrp())
        for number in (signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if command.folder is not None:
            os.chdir(command.folder)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvpe(command.words[0], list(command.words), {**os.environ, **command.environment})
    except FileNotFoundError:
        status = 127
        os.write(2, f"lab: there is no command {command.words[0]!r}\n".encode())
    except OSError as error:
        os.write(2, f"lab: {command.words[0]!r} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(status)
