"""Jobs that are worked on in the process and the thread of a test."""

from __future__ import annotations

import threading

from labcore.jobs.executors import ThreadChild


class InlineChild(ThreadChild):
    """The same way without a process or a thread: the job is at its end when this is made."""

    def __post_init__(self) -> None:
        self._asked, self._error, self.thread = threading.Event(), None, threading.Thread()
        self._work()

    def abandon(self) -> None:
        pass  # it is at its end
