"""Work of a few seconds that outlives a rerun, in threads of this server."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from typing import Self

SOON = 0.7
"""Seconds that a page waits for work that is mostly done by then."""
Progress = Callable[[int, int], None]
Work = Callable[[Progress], Any]


@dataclass
class Task:
    """Work in a thread of its own, with progress that any page can look at. The thread never touches streamlit."""

    work: Work
    done: int = 0
    total: int = 0
    result: Any = None
    error: Exception | None = None
    _thread: threading.Thread = field(init=False, repr=False)
    _closing: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="task", daemon=True)

    def start(self) -> Self:
        atexit.register(self._close)
        self._thread.start()
        return self

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0

    def _run(self) -> None:
        try:
            self.result = self.work(self._progress)
        except _Closing:
            pass
        except Exception as error:
            self.error = error
        finally:
            atexit.unregister(self._close)

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._closing.is_set():
            raise _Closing

    def wait(self, seconds: float) -> None:
        """Give short work the time to end, so that nothing flickers."""
        self._thread.join(timeout=seconds)

    def cancel(self) -> None:
        """Ask the work to end. It does so with its next report of progress, and leaves no result."""
        self._closing.set()

    def _close(self) -> None:
        # A daemon thread inside native code can abort the interpreter's exit: ask it to end, and wait.
        self._closing.set()
        self._thread.join(timeout=30)


class _Closing(Exception):
    """The server goes down while a task is running."""


@st.cache_resource(show_spinner=False)
def held() -> dict[str, Task]:
    """The tasks of this server by name; each page may look, whoever started them."""
    return {}


def begin(name: str, work: Work) -> Task:
    """Begin work in the background under a name, or join what is running under it."""
    there = held().get(name)
    if there is None or not there.running:
        there = held()[name] = Task(work).start()
    return there
