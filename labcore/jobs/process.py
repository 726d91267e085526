"""Work on a job, from its start, or from where it was left, to its end.

The command line calls :func:`work` in its own process, the job manager in a process of its own (``python -m labcore.jobs FOLDER``) or in
a thread, Ray on another machine: one function, one behaviour, whatever the kind.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from labcore.device import is_out_of_memory
from labcore.errors import FULL, LabError, OutOfMemoryError
from labcore.events import Event, Finished
from labcore.jobs.background import tail
from labcore.jobs.folder import JobFolder
from labcore.jobs.following import Stopped
from labcore.jobs.kind import folder_class, load
from labcore.loading import collector_resting
from labcore.texts import shown

StopTest = Callable[[], bool]
Work = Callable[[Any, StopTest], Generator[Event, None, Finished | None]]
"""A kind's work on a job: yields what happens, which is appended to the job's events; returns the job's end, None for finished, or for
stopped where that was asked for. Whatever it raises is told as the job's end."""

NOT_OURS = 3
"""Exit status of a process that found the job gone, taken by another one, or no longer waiting."""


class StoppedError(LabError):
    """Raised by work that cannot go on for now, though nothing is wrong with the job: it is stopped, with what is missing."""


def work(
    job: JobFolder,
    should_stop: StopTest | None = None,
    on_event: Callable[[Event], None] | None = None,
    *,
    doing: Work | None = None,
    only_queued: bool = False,
    by: str = "",
) -> Finished:
    """Work on a job until it is finished, stopped or failed, telling its events.

    Holds the job's lock meanwhile. A failure is told in the returned event and in the job's events, not raised; what is not
    a :class:`LabError` leaves its traceback in the job's log.

    Args:
        job: one that is not running.
        should_stop: asked often; the job's stop file counts as well.
        on_event: sees each event after it has been written.
        doing: the work; that of the job's kind by default.
        only_queued: leave the job alone unless it waits in the queue.
        by: who works on it, where that is not who put it into the queue.

    Raises:
        LabError: the kind's own: the job is gone, held by another process, or not queued where that was asked for. Nothing was changed.
    """

    def stop() -> bool:
        return (should_stop is not None and should_stop()) or job.stop_requested

    def tell(event: Event) -> None:
        job.append(event)
        if on_event is not None:
            on_event(event)

    with job.hold(timeout=1):
        if only_queued and job.status().state != "queued":
            raise job.kind.error(f"{job.title} is no longer queued")
        began = time.monotonic()
        end = _attempt(job, stop, tell, doing, by)
        who = {"by": job.stopper} if end.state == "stopped" else {}
        end = end.model_copy(update={"seconds": round(time.monotonic() - began, 3)} | who)
        with contextlib.suppress(LabError):  # a full disk or a removed job: its state is then read off the lock
            job.append(end)
        with contextlib.suppress(OSError):
            job.clear_stop()
        if on_event is not None:
            on_event(end)
    return end


def _attempt(job: JobFolder, stop: StopTest, tell: Callable[[Event], None], doing: Work | None, by: str) -> Finished:
    """Work and tell; whatever goes wrong becomes the job's end."""
    try:
        tell(job.started(by))
        return _follow(job, stop, tell, doing or load(job.kind.work))  # may load much: told to be running first
    except (KeyboardInterrupt, Stopped):
        return job.finished("stopped")
    except LabError as error:
        _write_traceback(job)
        details: dict[str, Any] = {"kind": type(error).__name__}
        if isinstance(error, OutOfMemoryError):
            details["fits"] = error.fits
        if isinstance(error, StoppedError):
            details["kind"] = type(error.__cause__ or error).__name__
        state = "stopped" if isinstance(error, StoppedError) else "failed"
        return job.finished(state, error=error.what, remedy=error.remedy, details=details)
    except Exception as error:
        _write_traceback(job)
        if is_out_of_memory(error):
            return job.finished(
                "failed",
                error=f"The {'machine' if isinstance(error, MemoryError) else 'device'} ran out of memory",
                remedy="Choose a smaller batch size or another device, or close other programs and try again",
                details={"kind": "OutOfMemoryError", "fits": None},
            )
        if isinstance(error, OSError) and error.errno in FULL:  # of a library that writes by itself, as TensorBoard
            return job.finished(
                "failed",
                error=f"{job.title} cannot be written: {error.strerror}",
                remedy=f"Free some space, then {job.kind.again}",
                details={"kind": "WorkspaceError"},
            )
        return job.finished(
            "failed",
            error=f"Unexpected {type(error).__name__}: {error}",
            remedy=f"This is a bug in the lab; the full traceback is in {job.log}",
            details={"kind": type(error).__name__, "log": tail(job.log)},
        )
    finally:
        _free_memory()


def _follow(job: JobFolder, stop: StopTest, tell: Callable[[Event], None], doing: Work) -> Finished:
    if stop() and not job.children():  # these may be at work already: the work stops them
        return job.finished("stopped")
    with contextlib.closing(doing(job, stop)) as events:
        try:
            with collector_resting():  # the first step loads what the work needs
                event = next(events)
            while True:
                tell(event)
                event = next(events)
        except StopIteration as end:
            told: Finished | None = end.value
            return told or job.finished("stopped" if stop() else "finished")


def _write_traceback(job: JobFolder) -> None:
    with contextlib.suppress(OSError), job.log.open("a", encoding="utf-8") as file:
        file.write(time.strftime("%Y-%m-%d %H:%M:%S\n") + shown(traceback.format_exc()))


def _free_memory() -> None:
    """Give the GPU's memory back: where the work is done in a thread, the process lives on."""
    gc.collect()
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)  # another thread may be importing torch at this moment
    if cuda is not None and cuda.is_initialized():
        with contextlib.suppress(RuntimeError):  # after some errors of CUDA nothing works any more in this process
            cuda.empty_cache()


def main(arguments: list[str] | None = None, doing: Work | None = None) -> int:
    """Entry of every job's process: ``python -m labcore.jobs FOLDER``.

    SIGTERM and SIGINT stop the job soon. Exit status 0 says that the end of the job has been written.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.suppress(OSError):  # where memory runs out, the kernel should choose this process, not the server
        Path("/proc/self/oom_score_adj").write_text("500")
    (directory,) = sys.argv[1:] if arguments is None else arguments
    path = Path(directory)
    job = folder_class(path.parent.name)(path)

    def go(job: JobFolder, doing: Work | None) -> int:
        work(job, stop.is_set, doing=doing, only_queued=True)
        return 0

    try:
        if doing is None and job.kind.lead:
            return load(job.kind.lead)(job, go)
        return go(job, doing)
    except job.kind.error as error:
        print(error, file=sys.stderr)
        return NOT_OURS
