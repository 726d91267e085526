"""The work of a learning curve: its runs are followed, and beside each that is finished the baselines are scored."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from labcore.curve.events import CurveProgress
from labcore.curve.job import LearningCurve, words
from labcore.curve.scoring import Scorer
from labcore.events import Event, Finished
from labcore.jobs.manager import Queue
from labcore.jobs.process import StopTest
from labcore.jobs.status import JobStatus
from labcore.members.driver import Looks, drive
from labcore.runs import Run


def work(curve: LearningCurve, should_stop: StopTest, queue: Queue | None = None) -> Generator[Event, None, Finished]:
    """Drive a learning curve to its end, as :func:`labcore.members.driver.drive`."""
    scorer = Scorer(curve)

    def progress(name: str, run: Run, status: JobStatus) -> Event:
        return CurveProgress(name=name, run_id=run.id, epoch=status.epoch, epochs=status.epochs)

    def result(name: str, run: Run, should_stop: StopTest) -> Iterator[Event]:
        return scorer.score(name, run, should_stop)

    return (yield from drive(curve, Looks(progress, result, words), should_stop, queue))
