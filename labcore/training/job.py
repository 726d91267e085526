"""Training as the work of a run's job: :mod:`labcore.jobs.process` calls it, in one process or in one for each GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

from labcore.errors import DatasetError
from labcore.events import Evaluated, EvaluatedLabels, Event, Finished, RunStarted, each_of
from labcore.jobs.process import StoppedError, StopTest, Work
from labcore.runs import Run
from labcore.training import torchrun
from labcore.training.torchrun import Train


def working(train: Train) -> Work:
    """A training loop as the work of a run."""

    def work(run: Run, should_stop: StopTest) -> Generator[Event, None, Finished | None]:
        evaluated = False
        events: Any = train(run.config, run, run.workspace, should_stop)
        try:
            with contextlib.closing(events):
                for event in events:
                    evaluated = evaluated or isinstance(event, (Evaluated, EvaluatedLabels))
                    yield event
        except DatasetError as error:
            if len(each_of(run.events(), RunStarted)) > 1:  # nothing is wrong with it but that its data are away
                raise StoppedError(error.what, error.remedy) from error
            raise
        except RuntimeError as error:
            from labcore.training.memory import out_of_memory_beside_steps

            if (told := out_of_memory_beside_steps(error)) is not None:
                raise told from error
            raise
        return run.finished("finished") if evaluated else None

    return work


def work(run: Run, should_stop: StopTest) -> Generator[Event, None, Finished | None]:
    """The lab's own training."""
    from labcore.training.loop import train

    return working(train)(run, should_stop)


def lead(run: Run, go: Callable[[Run, Work | None], int]) -> int:
    """Take a run up on all GPUs where that is its device and there are several, or in torchrun's processes; else here.

    Returns:
        The exit status of the process.
    """
    if torchrun.under_torchrun():
        return torchrun.take_part("auto", lambda: run, lambda run, train: go(run, working(train)))
    status = torchrun.on_all_gpus(run.needs, ["-X", "faulthandler", "-m", "labcore.jobs", str(run.path)])
    return go(run, None) if status is None else status
