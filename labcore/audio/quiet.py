"""What decoders print of their own goes nowhere: it would stand between the lines of a result or of a log.

Decoders are written in C and print by C's ``stdout`` and ``stderr``: libsndfile to the first, mpg123 within it to the second. While one
works, these lead to /dev/null. Descriptors 1 and 2 stay as they are, and with them whatever Python prints meanwhile in other threads.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

import soundfile

NAMES = {"linux": ("stdout", "stderr"), "darwin": ("__stdoutp", "__stderrp")}
"""What the variables of C are called, where they are variables that may be set."""


class Streams:
    """C's two streams, turned away for as long as anybody is inside ``with``, in all threads together. It takes two microseconds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # inside it, the garbage collector may close a file, and so come here again
        self._depth = 0
        self._variables = _variables()
        self._kept: list[int | None] = []
        self._nowhere: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if not self._kept and self._variables:
                self._nowhere = self._nowhere or _nowhere()
                if self._nowhere:
                    self._kept = [variable.value for variable in self._variables]
                    for variable in self._variables:
                        variable.value = self._nowhere

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._put_back()

    def _put_back(self) -> None:
        for variable, kept in zip(self._variables, self._kept, strict=False):
            variable.value = kept
        self._kept = []

    def in_child(self) -> None:
        """A process that was forked meanwhile has no decoder open."""
        self._lock = threading.RLock()
        self._depth = 0
        self._put_back()


def _variables() -> list[ctypes.c_void_p]:
    names = NAMES.get(sys.platform, ())
    try:
        if sys.platform == "linux":
            os.confstr("CS_GNU_LIBC_VERSION")  # a ValueError elsewhere, where they are constants
        return [ctypes.c_void_p.in_dll(ctypes.CDLL(None), name) for name in names]
    except (OSError, ValueError):
        return []


def _nowhere() -> int | None:
    """A stream of C that leads nowhere, never closed: a thread may be printing to it at any time."""
    library = ctypes.CDLL(None)
    library.fopen.restype = ctypes.c_void_p
    stream: int | None = library.fopen(os.fsencode(os.devnull), b"we")  # not handed on to programs that are started
    return stream


STREAMS = Streams()
os.register_at_fork(after_in_child=STREAMS.in_child)


class QuietFile(soundfile.SoundFile):
    """A :class:`soundfile.SoundFile` whose decoder prints nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with STREAMS:
            super().__init__(*arguments, **options)

    def read(self, *arguments: Any, **options: Any) -> Any:
        with STREAMS:
            return super().read(*arguments, **options)

    def seek(self, *arguments: Any, **options: Any) -> Any:
        with STREAMS:
            return super().seek(*arguments, **options)

    def close(self) -> None:
        with STREAMS:
            super().close()
