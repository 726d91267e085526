"""Decoding files ahead of who uses them, in threads: soundfile and soxr let go of the interpreter while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from labcore.audio.recording import Recording, Sound
from labcore.errors import LabError

Decoded = Sound | Recording | LabError


def decode_ahead(files: Iterable[Path], sample_rate: int, threads: int) -> Generator[tuple[Path, Decoded], None, None]:
    """Each file with its sound, or why it cannot be read, in order; at most two a thread ahead.

    A long recording is not decoded: it is handed over to be taken block by block when its turn comes.
    """
    waiting: deque[tuple[Path, Future[Decoded]]] = deque()
    rest = iter(files)
    more = True
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        while more or waiting:
            while more and len(waiting) < 2 * threads:
                file = next(rest, None)
                if file is None:
                    more = False
                else:
                    waiting.append((file, pool.submit(decoded, file, sample_rate)))
            if waiting:
                file, future = waiting.popleft()
                yield file, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def decoded(file: Path, sample_rate: int) -> Decoded:
    """The sound in a file, the file itself where it is long, or why it cannot be read."""
    recording = Recording(file, sample_rate)
    try:
        return recording.at_once() or recording
    except LabError as error:
        return error
