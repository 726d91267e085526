"""The work of a test with hidden classes: follows its runs, and tells of each that is finished how well its class is noticed.

It can be killed at any moment: what was told stands in its events, what was trained in the runs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from labcore.errors import RunError
from labcore.events import Event, Finished, Log
from labcore.hidden.events import ClassProgress
from labcore.hidden.job import HiddenClasses
from labcore.hidden.scoring import score
from labcore.jobs.manager import JobManager, Queue
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobStatus
from labcore.runs import Run
from labcore.texts import counted, shown

POLL_SECONDS = 0.5
SETTLE_SECONDS = 5.0
"""How long a run without a worker is left to whoever started the worker."""


def work(test: HiddenClasses, should_stop: StopTest, queue: Queue | None = None) -> Generator[Event, None, Finished]:
    """Drive a test to its end, as the work of its job (:data:`labcore.jobs.process.Work`).

    Args:
        queue: where its runs are worked on; by default a job manager of this process, which closes with it.
    """
    with contextlib.ExitStack() as stack:
        queue = queue or stack.enter_context(contextlib.closing(JobManager(test.workspace)))
        driver = _Driver(test, queue)
        try:
            driver.begin()
            while not should_stop() and driver.open:
                yield from driver.look(should_stop)
                time.sleep(POLL_SECONDS)
            if driver.open:
                driver.halt()
                return test.finished("stopped")
        except BaseException:  # whatever ends it, what it had started shall not go on without it
            driver.stop_runs()
            raise
        return driver.end()


@dataclass
class _Driver:
    test: HiddenClasses
    queue: Queue
    ended: dict[str, str] = field(default_factory=dict)  # hidden class → how its run ended that has no result
    silent_since: dict[str, float] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)
    epochs: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.members = self.test.members()
        self.done = set(self.test.results)

    @property
    def open(self) -> bool:
        """Whether there is more to do."""
        return len(self.done) + len(self.ended) < len(self.members)

    def begin(self) -> None:
        """Have the runs go on that a driver before this one has left."""
        for label, run in self._left().items():
            self.epochs[label] = run.status().epoch if run.there else 0
            if run.there and run.status().state in ("interrupted", "stopped"):
                with contextlib.suppress(RunError):  # somebody else was quicker
                    self.queue.resume(run, by=self.test.owner)

    def look(self, should_stop: StopTest) -> Iterator[Event]:
        """See which runs have ended, and look at what those that are finished say of their hidden class."""
        for label, run in self._left().items():
            if should_stop():
                return
            status = run.status() if run.there else JobStatus("deleted")
            state = status.state
            if status.epoch > self.epochs.get(label, 0):
                self.epochs[label] = status.epoch
                yield ClassProgress(label=label, run_id=run.id, epoch=status.epoch, epochs=status.epochs)
            if state == "finished":
                yield Log(
                    message=f"comparing clips of {shown(label)} with those of the classes that run {run.id} knows"
                )
                yield score(run, label, self.test.plan.refused, should_stop)
                self.done.add(label)
            elif state in ("failed", "stopped", "deleted") or (state == "interrupted" and self._gone_for_good(run)):
                self.ended[label] = state
                yield Log(level="warning", message=f"the run without {shown(label)} {_told(run, state)}")

    def halt(self) -> None:
        """Stop the runs and wait for them. They go on when the test does."""
        self.stop_runs()
        while any(run.there and (run.status().active or self.queue.has(run)) for run in self._left().values()):
            time.sleep(POLL_SECONDS)

    def stop_runs(self) -> None:
        for run in reversed(self._left().values()):  # first those that wait, so that none takes a free place
            with contextlib.suppress(RunError):  # removed meanwhile
                self.queue.stop(run, by=self.test.stopper)

    def end(self) -> Finished:
        """The end of the test, once each run has ended.

        Raises:
            RunError: a run failed.
        """
        failed = [label for label, state in self.ended.items() if state in ("failed", "interrupted")]
        if failed:
            run = self.members[failed[0]]
            many = f"{counted(len(failed), 'run')} of {len(self.members)} failed"
            raise RunError(
                f"{many}: the one without {shown(failed[0])} {_told(run, self.ended[failed[0]])}", "Resume it"
            )
        return self.test.finished("stopped" if self.ended else "finished")

    def _left(self) -> dict[str, Run]:
        return {label: run for label, run in self.members.items() if label not in self.done and label not in self.ended}

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
            self.queue.resume(run, by=self.test.owner)
        return False


def _told(run: Run, state: str) -> str:
    """How a run ended, in words that follow it."""
    words = {"failed": "failed", "interrupted": "was killed twice", "deleted": "was deleted", "stopped": "was stopped"}
    error = run.status().error if run.there else ""
    return words[state] + (f" ({error})" if error else "")
