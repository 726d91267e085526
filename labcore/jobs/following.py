"""Work that reports its progress by a callback, followed as events."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from labcore.events import Event, Preparing

OnProgress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""
T = TypeVar("T")


class Stopped(Exception):
    """The job was asked to stop in the middle of something."""


def follow(
    what: str, work: Callable[[OnProgress], T], should_stop: Callable[[], bool], unit: str = "clips"
) -> Generator[Event, None, T]:
    """Do work that reports progress by a callback, and yield that progress as events, a few a second. ``unit``: of what is counted."""
    reports: queue.Queue[tuple[int, int] | None] = queue.Queue()
    outcome: list[T] = []
    failure: list[BaseException] = []

    def report(done: int, total: int) -> None:
        if should_stop():
            raise Stopped
        reports.put((done, total))

    def body() -> None:
        try:
            outcome.append(work(report))
        except BaseException as error:
            failure.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=body, name=what)
    thread.start()
    for done, total in _thin(reports):
        yield Preparing(what=what, done=done, total=total, unit=unit)
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _thin(reports: queue.Queue[tuple[int, int] | None]) -> Iterator[tuple[int, int]]:
    """The newest report about twice a second, and the last one."""
    shown, latest = 0.0, None
    while (report := reports.get()) is not None:
        latest = report
        if time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            yield report
            latest = None
    if latest is not None:
        yield latest
