"""Decoding files ahead of who uses them, in threads: soundfile and soxr let go of the interpreter while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from labcore.audio.decoder import Sound, read_sound
from labcore.errors import LabError

LONG_BYTES = 32 * 1024**2
"""Larger files are decoded when their turn comes, so that no two long recordings lie in memory at once."""

Decoded = Sound | LabError


def decode_ahead(files: Iterable[Path], sample_rate: int, threads: int) -> Generator[tuple[Path, Decoded], None, None]:
    """Each file with its sound, or why it cannot be read, in order; at most two a thread ahead."""
    waiting: deque[tuple[Path, Future[Decoded] | None]] = deque()
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
                    waiting.append((file, pool.submit(_decode, file, sample_rate) if _short(file) else None))
            if waiting:
                file, future = waiting.popleft()
                yield file, _decode(file, sample_rate) if future is None else future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _decode(file: Path, sample_rate: int) -> Decoded:
    try:
        return read_sound(file, sample_rate)
    except LabError as error:
        return error


def _short(file: Path) -> bool:
    try:
        return file.stat().st_size <= LONG_BYTES
    except (OSError, ValueError):
        return True  # decoding tells what is wrong with it
