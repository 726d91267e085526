"""Progress and pictures where the user looks: in a notebook below the cell, in a terminal on stderr or in a file."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from labcore import errors
from labcore.cli.progress import bars
from labcore.errors import LabError, RunError
from labcore.events import Finished


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, which shows pictures below the cell."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@contextlib.contextmanager
def as_output() -> Iterator[None]:
    """Inside, what is told of progress is plain output of the notebook's cell, which would show stderr as an alarm."""
    try:
        with contextlib.redirect_stderr(sys.stdout) if in_notebook() else contextlib.nullcontext():
            yield
    finally:
        bars.clear()


@contextlib.contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, or the notebook's stop button; the second one interrupts as ever.

    Only the main thread hears of it.
    """
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        interrupted.set()

    listens = threading.current_thread() is threading.main_thread() and callable(before)
    if listens:
        signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        if listens:
            signal.signal(signal.SIGINT, before)


def error_of(end: Finished) -> LabError:
    """What a job failed on, as the error that its work raised."""
    kind = vars(errors).get(str(end.details.get("kind")))
    if isinstance(kind, type) and issubclass(kind, LabError):
        return kind(end.error, end.remedy)
    return RunError(end.error, end.remedy)
