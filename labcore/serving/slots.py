"""Places running: so many may be taken at once, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.25
"""How often one that waits looks whether it is still wanted."""


class Slots:
    """Bounds what many threads of a process do at once, and with it their memory."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._change = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def taken(self, waits: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Take a place for as long as the block lasts; wait for one where none is free.

        Args:
            waits: called now and then meanwhile; what it raises ends the waiting.
        """
        ticket = object()
        with self._change:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or not self._free:
                    self._change.wait(LOOK_SECONDS)
                    waits()
                self._free -= 1
            finally:
                self._waiting.remove(ticket)
                self._change.notify_all()
        try:
            yield
        finally:
            with self._change:
                self._free += 1
                self._change.notify_all()
