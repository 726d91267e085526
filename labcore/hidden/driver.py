"""The work of a test with hidden classes: its runs are followed, and each that is finished tells how well its class is noticed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from labcore.events import Event, Finished, Log
from labcore.hidden.events import ClassProgress
from labcore.hidden.job import HiddenClasses
from labcore.hidden.scoring import score
from labcore.jobs.manager import Queue
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobStatus
from labcore.members.driver import Looks, drive
from labcore.runs import Run
from labcore.texts import shown


def work(test: HiddenClasses, should_stop: StopTest, queue: Queue | None = None) -> Generator[Event, None, Finished]:
    """Drive a test to its end, as :func:`labcore.members.driver.drive`."""
    refused = test.plan.refused

    def progress(label: str, run: Run, status: JobStatus) -> Event:
        return ClassProgress(label=label, run_id=run.id, epoch=status.epoch, epochs=status.epochs)

    def result(label: str, run: Run, should_stop: StopTest) -> Iterator[Event]:
        yield Log(message=f"comparing clips of {shown(label)} with those of the classes that run {run.id} knows")
        yield score(run, label, refused, should_stop)

    looks = Looks(progress, result, lambda label: f"without {shown(label)}")
    return (yield from drive(test, looks, should_stop, queue))
