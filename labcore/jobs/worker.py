"""The worker: takes one run from its start, or its checkpoint, to its end.

The command line calls :func:`work` in its own process, the job manager in a process of its own
(``python -m labcore.jobs.worker RUN_DIR``) or in a thread: one function, one behaviour.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labcore.config import RunConfig
from labcore.device import ALL
from labcore.errors import DatasetError, LabError, OutOfMemoryError, RunError
from labcore.events import Evaluated, Event, RunFinished, RunStarted, each_of
from labcore.jobs import torchrun
from labcore.jobs.background import tail
from labcore.people import clean
from labcore.runs import Run
from labcore.texts import shown
from labcore.workspace import Workspace

StopTest = Callable[[], bool]
Train = Callable[[RunConfig, Run, Workspace, StopTest], Iterable[Event]]

LOG_LINES = 20
NOT_OURS = 3
"""Exit status of a worker that found the run gone, taken by another worker, or no longer waiting."""


def work(
    run: Run,
    should_stop: StopTest | None = None,
    on_event: Callable[[Event], None] | None = None,
    *,
    train: Train | None = None,
    only_queued: bool = False,
    by: str = "",
) -> RunFinished:
    """Work on a run until it is finished, stopped or failed, telling its events.

    Holds the run's lock meanwhile. A failure is told in the returned event and in the run's events, not raised; what is not
    a :class:`LabError` leaves its traceback in the run's ``worker.log``.

    Args:
        run: a run that is not at work.
        should_stop: asked once a batch; the run's stop file counts as well.
        on_event: sees each event after it has been written.
        train: the training loop; :func:`labcore.training.train` by default.
        only_queued: leave the run alone unless it waits in the queue.
        by: who works on it, where that is not who put it into the queue.

    Raises:
        RunError: the run is gone, held by another worker, or not queued where that was asked for. Nothing was changed.
    """

    def stop() -> bool:
        return (should_stop is not None and should_stop()) or run.stop_requested

    def tell(event: Event) -> None:
        run.append(event)
        if on_event is not None:
            on_event(event)

    with run.hold(timeout=1):
        if only_queued and run.status().state != "queued":
            raise RunError(f"run {run.id} does not wait for a worker any more")
        began = time.monotonic()
        finished = _attempt(run, stop, tell, train, by)
        figures = {"epochs_done": run.epochs_done, "seconds": round(time.monotonic() - began, 3)}
        who = {"by": run.stopper} if finished.state == "stopped" else {}
        finished = finished.model_copy(update=figures | who)
        with contextlib.suppress(LabError):  # a full disk or a removed run: its state is then read off the lock
            run.append(finished)
        with contextlib.suppress(OSError):
            run.clear_stop()
        if on_event is not None:
            on_event(finished)
    return finished


def _attempt(run: Run, stop: StopTest, tell: Callable[[Event], None], train: Train | None, by: str) -> RunFinished:
    """Train and tell; whatever goes wrong becomes the finishing event."""
    try:
        host, name = socket.gethostname(), clean(by)
        tell(RunStarted(run_id=run.id, run_dir=str(run.path), pid=os.getpid(), host=host, by=name))
        return _follow(run, stop, tell, train)
    except KeyboardInterrupt:
        return RunFinished(state="stopped")
    except OutOfMemoryError as error:
        _write_traceback(run)
        details = {"kind": "OutOfMemoryError", "fits": error.fits}
        return RunFinished(state="failed", error=error.what, remedy=error.remedy, details=details)
    except LabError as error:
        _write_traceback(run)
        waits = isinstance(error, DatasetError) and _was_at_work(
            run
        )  # nothing is wrong with it but that its data are away
        state, details = "stopped" if waits else "failed", {"kind": type(error).__name__}
        return RunFinished(state=state, error=error.what, remedy=error.remedy, details=details)
    except MemoryError:
        _write_traceback(run)
        return RunFinished(
            state="failed",
            error="The machine's memory ran out",
            remedy="Start a run with a smaller batch size, or close other programs and resume this one",
            details={"kind": "OutOfMemoryError", "fits": None},
        )
    except Exception as error:
        _write_traceback(run)
        return RunFinished(
            state="failed",
            error=f"Unexpected {type(error).__name__}: {error}",
            remedy=f"This is a fault of the lab; the full traceback is in {run.log}",
            details={"kind": type(error).__name__, "log": log_tail(run)},
        )
    finally:
        _free_memory()


def _was_at_work(run: Run) -> bool:
    """Whether a run had been taken up before this time."""
    return len(each_of(run.events(), RunStarted)) > 1


def _follow(run: Run, stop: StopTest, tell: Callable[[Event], None], train: Train | None) -> RunFinished:
    if stop():
        return RunFinished(state="stopped")
    if train is None:
        from labcore.training import train as real_train

        train = real_train
    evaluated = False
    events = iter(train(run.config, run, workspace_of(run), stop))
    try:
        for event in events:
            tell(event)
            evaluated = evaluated or isinstance(event, Evaluated)
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
    return RunFinished(state="finished" if evaluated or not stop() else "stopped")


def workspace_of(run: Run) -> Workspace:
    """The workspace a run lies in; the default one for a run directory that was copied elsewhere."""
    return Workspace(run.path.parent.parent) if run.path.parent.name == "runs" else Workspace.default()


def log_tail(run: Run, lines: int = LOG_LINES) -> list[str]:
    """The last lines of the run's ``worker.log``."""
    return tail(run.log, lines)


def _write_traceback(run: Run) -> None:
    with contextlib.suppress(OSError), run.log.open("a", encoding="utf-8") as file:
        file.write(time.strftime("%Y-%m-%d %H:%M:%S\n") + shown(traceback.format_exc()))


def _free_memory() -> None:
    """Give the GPU's memory back: where the worker is a thread, the process lives on."""
    gc.collect()
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)  # another thread may be importing torch at this moment
    if cuda is not None and cuda.is_initialized():
        cuda.empty_cache()


def _wants_all_gpus(run: Run) -> bool:
    try:
        return run.config.runtime.device == ALL
    except RunError:  # the work itself tells what is wrong with it
        return False


def main(arguments: list[str] | None = None, train: Train | None = None) -> int:
    """Entry of the worker process: ``python -m labcore.jobs.worker RUN_DIR``.

    SIGTERM and SIGINT stop the run after the batch at hand. Exit status 0 says that the end of the run has been written.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.suppress(OSError):  # where memory runs out, the kernel should choose the worker, not the server
        Path("/proc/self/oom_score_adj").write_text("500")
    (directory,) = sys.argv[1:] if arguments is None else arguments
    run = Run(Path(directory))

    def lead(run: Run, train: Train | None) -> int:
        work(run, stop.is_set, train=train, only_queued=True)
        return 0

    try:
        if train is None and torchrun.under_torchrun():
            return torchrun.take_part("auto", lambda: run, lead)
        if train is None and _wants_all_gpus(run):
            status = torchrun.on_all_gpus(ALL, ["-X", "faulthandler", "-m", "labcore.jobs.worker", directory])
            if status is not None:
                return status
        return lead(run, train)
    except RunError as error:
        print(error, file=sys.stderr)
        return NOT_OURS


if __name__ == "__main__":
    sys.exit(main())
