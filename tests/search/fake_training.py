"""Make-believe training whose accuracy follows from the settings, in a worker or a driver process. Also loaded by the tests."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from labcore.config import RunConfig
from labcore.errors import ConfigError, WorkspaceError
from labcore.events import Epoch, Evaluated, Event, TrainingStarted
from labcore.jobs.executors import ProcessChild
from labcore.jobs.manager import JobManager
from labcore.jobs.process import StopTest, main
from labcore.runs import Run
from labcore.search.events import SearchFinished
from labcore.search.folder import Search
from labcore.training.job import working
from labcore.workspace import Workspace

HOPELESS, PATIENCE_SECONDS = 0.9, 30.0
"""A dropout with which a run waits before its last epoch for whoever gives it up, and for how long."""


def accuracy_of(config: RunConfig) -> float:
    """Best at a learning rate of 0.1 and without dropout."""
    return max(0.05, 0.95 - 0.3 * abs(math.log10(config.optim.peak_lr) + 1) - 0.5 * config.model.dropout)


def train(config: RunConfig, run: Run, workspace: Workspace, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Epochs of ``clip_norm`` milliseconds; the number of the last one is the checkpoint."""
    done = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
    epochs, fold = config.optim.epochs, str(config.data.fold)
    yield TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=2, fold=fold, device="cpu", device_reason="fake", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=epochs, first_epoch=done + 1,
    )  # fmt: skip
    if config.model.name == "broken":
        raise ConfigError("the network cannot be built", "Choose another one")
    if (workspace.home / "full").exists():
        raise WorkspaceError("the disk is full", "Free some space")
    for number in range(done + 1, epochs + 1):
        time.sleep(config.optim.clip_norm / 1000)
        until = time.monotonic() + PATIENCE_SECONDS * (number == epochs and config.model.dropout == HOPELESS)
        while time.monotonic() < until and not should_stop():
            time.sleep(0.005)
        if should_stop():
            return
        value = accuracy_of(config) * number / epochs
        run.checkpoint.write_text(str(number))
        yield Epoch(
            epoch=number, epochs=epochs, train_loss=1 - value, train_accuracy=value, val_loss=1 - value, val_accuracy=value,
            lr=0.1, clips_per_second=400.0, seconds=0.02, seconds_left=0.0, averaged=False,
        )  # fmt: skip
    yield Evaluated(
        accuracy=accuracy_of(config), accuracy_low=0.1, accuracy_high=0.9, macro_f1=0.5, per_class={}, confusion={}, clips=2,
        fold=fold,
    )  # fmt: skip


def drive(search: Search, should_stop: StopTest) -> Generator[Event, None, SearchFinished]:
    """The work of a search whose runs are make-believe, in processes."""
    from labcore.search import driver  # heavier than a worker needs

    driver.POLL_SECONDS = 0.02
    executor = partial(ProcessChild, command=[sys.executable, __file__])
    with closing(JobManager(search.workspace, executor, 0.02)) as queue:
        return (yield from driver.work(search, should_stop, queue=queue))


if __name__ == "__main__":
    (folder,) = sys.argv[1:]
    sys.exit(main([folder], doing=drive if Path(folder).parent.name == "searches" else working(train)))
