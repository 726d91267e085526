"""Decoding files ahead of who uses them, in threads: soundfile and soxr let go of the interpreter while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from labcore.audio.recording import Recording, Sound
from labcore.errors import LabError

T = TypeVar("T")
R = TypeVar("R")
Decoded = Sound | Recording | LabError


def decode_ahead(files: Iterable[Path], sample_rate: int, threads: int) -> Generator[tuple[Path, Decoded], None, None]:
    """Each file with its sound, or why it cannot be read, in order; at most two a thread ahead.

    A long recording is not decoded: it is handed over to be taken block by block when its turn comes.
    """
    return ahead(
        lambda file: (file, decoded(file, sample_rate)), files, threads, lambda waiting: len(waiting) >= 2 * threads
    )


def ahead(
    do: Callable[[T], R], items: Iterable[T], threads: int, full: Callable[[deque[Future[R]]], bool]
) -> Generator[R, None, None]:
    """What comes of each item, in order, made ahead in threads while fewer than ``full`` says wait to be taken."""
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        for item in items:
            waiting.append(pool.submit(do, item))
            while full(waiting):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def decoded(file: Path, sample_rate: int) -> Decoded:
    """The sound in a file, the file itself where it is long, or why it cannot be read."""
    recording = Recording(file, sample_rate)
    try:
        return recording.at_once() or recording
    except LabError as error:
        return error
