"""A first Ctrl-C stops work in good order, a second one kills."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

CLEAR_LINE = "\r\x1b[K"


@contextlib.contextmanager
def stop_on_signals(announcement: str) -> Iterator[threading.Event]:
    """An event that the first SIGINT, SIGTERM or SIGHUP sets; the second one kills. Ignored signals (nohup) stay ignored.

    Args:
        announcement: what the first one prints.
    """
    stopping = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if stopping.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stopping.set()
        _write(announcement)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    """Write a line to stderr from a signal handler, past the buffers that the interrupted code may be using."""
    with contextlib.suppress(OSError):
        os.write(2, f"{CLEAR_LINE if os.isatty(2) else ''}{text}\n".encode())
