"""From threads back to the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Crossing:
    """Brings what threads have done to an event loop: one wake-up for all that is there, where asyncio has one for each.

    Each wake-up is a system call of the thread, which lets go of the interpreter for it and has to wait until it gets it back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._called = False

    def awaitable(self, future: Future[T]) -> asyncio.Future[T]:
        """The same as :func:`asyncio.wrap_future`: cancelled with it, and the other way round. To be called in the loop."""
        made: asyncio.Future[T] = self._loop.create_future()
        made.add_done_callback(lambda ended: future.cancel() if ended.cancelled() else None)
        future.add_done_callback(partial(self._done, made))
        return made

    def _done(self, made: asyncio.Future[T], future: Future[T]) -> None:
        """In any thread."""
        self._waiting.append(partial(_hand_on, future, made))
        if not self._called:
            self._called = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:  # the loop is closed: nobody waits
                self._waiting.clear()

    def _deliver(self) -> None:
        self._called = False  # first, so that what comes meanwhile calls again
        while self._waiting:
            self._waiting.popleft()()


def _hand_on(future: Future[T], made: asyncio.Future[T]) -> None:
    if made.done():
        return
    if future.cancelled():
        made.cancel()
    elif (error := future.exception()) is not None:
        made.set_exception(error)
    else:
        made.set_result(future.result())
