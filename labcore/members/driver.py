"""The work of a job that consists of runs: follows them, and has each that is finished looked at.

It can be killed at any moment: what was told stands in its events, what was trained in the runs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from labcore.errors import RunError
from labcore.events import Event, Finished, Log
from labcore.jobs.manager import JobManager, Queue
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobStatus
from labcore.members.job import MembersJob
from labcore.runs import Run
from labcore.texts import counted

POLL_SECONDS = 0.5
SETTLE_SECONDS = 5.0
"""How long a run without a worker is left to whoever started the worker."""


def drive(job: MembersJob[Any], should_stop: StopTest, queue: Queue | None = None) -> Generator[Event, None, Finished]:
    """Drive a job to its end, as its work (:data:`labcore.jobs.process.Work`).

    Args:
        queue: where its runs are worked on; by default a job manager of this process, which closes with it.
    """
    with contextlib.ExitStack() as stack:
        queue = queue or stack.enter_context(contextlib.closing(JobManager(job.workspace)))
        driver = _Driver(job, queue)
        try:
            if not should_stop():
                driver.begin()
            while not should_stop() and driver.open:
                yield from driver.look(should_stop)
                time.sleep(POLL_SECONDS)
            if driver.open:
                driver.halt()
                return job.finished("stopped")
        except BaseException:  # whatever ends it, what it had started shall not go on without it
            driver.stop_runs()
            raise
        return driver.end()


@dataclass
class _Driver:
    job: MembersJob[Any]
    queue: Queue
    ended: dict[str, str] = field(default_factory=dict)  # name → how its run ended that has no result
    silent_since: dict[str, float] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)
    epochs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.members = self.job.members()
        self.done = set(self.job.done)
        self.look_at = self.job.looker()

    @property
    def open(self) -> bool:
        """Whether there is more to do."""
        return len(self.done) + len(self.ended) < len(self.members)

    def begin(self) -> None:
        """Have the runs go on that a driver before this one has left."""
        for name, run in self._left().items():
            self.epochs[name] = run.status().epoch if run.there else 0
            if run.there and run.status().state in ("interrupted", "stopped"):
                with contextlib.suppress(RunError):  # somebody else was quicker
                    self.queue.resume(run, by=self.job.owner)

    def look(self, should_stop: StopTest) -> Iterator[Event]:
        """See which runs have ended, and look at those that are finished."""
        for name, run in self._left().items():
            if should_stop():
                return
            status = run.status() if run.there else JobStatus("deleted")
            state = status.state
            if status.epoch > self.epochs.get(name, 0):
                self.epochs[name] = status.epoch
                yield self.job.progress(name, run.id, status.epoch, status.epochs)
            if state == "finished":
                yield from self.look_at(name, run, should_stop)
                self.done.add(name)
            elif state in ("failed", "stopped", "deleted") or (state == "interrupted" and self._gone_for_good(run)):
                self.ended[name] = state
                yield Log(level="warning", message=f"the run {self.job.words(name)} {_told(run, state)}")

    def halt(self) -> None:
        """Stop the runs and wait for them. They go on when the job does."""
        self.stop_runs()
        while any(run.there and (run.status().active or self.queue.has(run)) for run in self._left().values()):
            time.sleep(POLL_SECONDS)

    def stop_runs(self) -> None:
        for run in reversed(self._left().values()):  # first those that wait, so that none takes a free place
            with contextlib.suppress(RunError):  # removed meanwhile
                self.queue.stop(run, by=self.job.stopper)

    def end(self) -> Finished:
        """The end of the job, once each run has ended.

        Raises:
            RunError: a run failed.
        """
        failed = [name for name, state in self.ended.items() if state in ("failed", "interrupted")]
        if failed:
            run = self.members[failed[0]]
            many = f"{counted(len(failed), 'run')} of {len(self.members)} failed"
            raise RunError(
                f"{many}: the one {self.job.words(failed[0])} {_told(run, self.ended[failed[0]])}", "Resume it"
            )
        return self.job.finished("stopped" if self.ended else "finished")

    def _left(self) -> dict[str, Run]:
        return {name: run for name, run in self.members.items() if name not in self.done and name not in self.ended}

    def _gone_for_good(self, run: Run) -> bool:
        """A worker died without a word. Whoever started it settles that in a moment; where that one is gone too, resume, once."""
        now = time.monotonic()
        if now - self.silent_since.setdefault(run.id, now) < SETTLE_SECONDS:
            return False
        if run.id in self.resumed:
            return True
        del self.silent_since[run.id]
        self.resumed.add(run.id)
        with contextlib.suppress(RunError):  # its end has been written after all
            self.queue.resume(run, by=self.job.owner)
        return False


def _told(run: Run, state: str) -> str:
    """How a run ended, in words that follow it."""
    words = {"failed": "failed", "interrupted": "was killed twice", "deleted": "was deleted", "stopped": "was stopped"}
    error = run.status().error if run.there else ""
    return words[state] + (f" ({error})" if error else "")
