"""The bytes of a file or a buffer, and a file that is put together from stretches of them for a decoder to read."""

from __future__ import annotations

import io
import os
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TypeAlias

Read: TypeAlias = Callable[[int, int], bytes]
"""(offset, bytes) → what is there: fewer bytes at the end."""

Piece: TypeAlias = "bytes | tuple[int, int]"
"""Bytes that are given, or a stretch of the source: (first byte, the one behind its last)."""

BLOCK = 1 << 16
IN_MEMORY = 1 << 23
"""Bytes that are worth a second copy of them while they are decoded."""
KEPT = 1 << 21
"""Bytes that a thread keeps for the next sound."""


def reader(source: int | bytes | bytearray | memoryview) -> Read:
    """Reads at offsets of a file's descriptor or of a buffer. A file that cannot be read any more reads as if it ended there."""
    if not isinstance(source, int):
        view = memoryview(source)
        return lambda at, count: bytes(view[max(0, at) : max(0, at) + count])
    kept: tuple[int, bytes] = (0, b"")

    def read(at: int, count: int) -> bytes:
        nonlocal kept
        first, block = kept
        if not (first <= at and at + count <= first + len(block)):
            try:
                block = os.pread(source, max(count, BLOCK), at)
            except (OSError, ValueError, OverflowError):
                block = b""
            first, kept = at, (at, block) if len(block) <= 4 * BLOCK else (0, b"")
        return block[at - first : at - first + count]

    return read


class _MemoryFile:
    """A file that lies in memory. Written again, it has its pages already: making them takes longer than filling them."""

    def __init__(self) -> None:
        self.descriptor, self.process = os.memfd_create("sound"), os.getpid()

    def hold(self, content: bytes | bytearray | memoryview) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[os.pwrite(self.descriptor, rest, len(content) - len(rest)) :]
        os.ftruncate(self.descriptor, len(content))
        os.lseek(self.descriptor, 0, os.SEEK_SET)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


_of_thread = threading.local()


@contextmanager
def in_memory_file(content: bytes | bytearray | memoryview) -> Iterator[int]:
    """The descriptor of a file that lies in memory and holds the content, or -1 where that is large, or the system has no such files.

    A decoder reads that by itself. A buffer it reads through a callback, which waits for the interpreter each time: 66 times for
    5 s of WAV.
    """
    if not hasattr(os, "memfd_create") or len(content) > IN_MEMORY:
        yield -1
        return
    file: _MemoryFile | None = _of_thread.__dict__.pop(
        "file", None
    )  # whoever opens another meanwhile gets one of its own
    try:
        if file is None or file.process != os.getpid():  # a process that was forked shares it with this one
            file = _MemoryFile()
        file.hold(content)
    except OSError:  # as many descriptors as there may be, or no memory
        yield -1
        return
    try:
        yield file.descriptor
    finally:
        if len(content) <= KEPT:
            _of_thread.file = file


class Spliced(io.RawIOBase):
    """A file that reads as its pieces one after the other. It does not own what it reads from."""

    def __init__(self, read: Read, pieces: Sequence[Piece]) -> None:
        self._read, self._pieces = read, [piece for piece in pieces if _length(piece)]
        self._ends = list(accumulate(map(_length, self._pieces)))
        self._size, self._at = self._ends[-1] if self._ends else 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Where a damaged header sends the decoder beyond the ends, it lands on them: a callback of C must not raise."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = min(max(0, base + offset), self._size)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer) and self._at < self._size:
            number = bisect_right(self._ends, self._at)
            piece, end = self._pieces[number], self._ends[number]
            inside = _length(piece) - (end - self._at)
            count = min(len(buffer) - filled, end - self._at)
            part = self._read(piece[0] + inside, count) if isinstance(piece, tuple) else piece[inside:][:count]
            if not part:
                break
            buffer[filled : filled + len(part)] = part
            filled += len(part)
            self._at += len(part)
        return filled


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
