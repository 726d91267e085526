"""A folder of sound files on all cores, or with the network on a GPU."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from labcore.audio.ahead import decode_ahead
from labcore.datasets.scan import find_audio
from labcore.errors import AudioError, ConfigError
from labcore.extract.files import Entry, extract_file, start_worker, work
from labcore.extract.index import Journal
from labcore.extract.settings import ExtractSettings, claim
from labcore.outputs import require_writable
from labcore.workspace import stamp_of

CHUNK = 8
"""Files a worker is handed at a time."""
CHUNK_BYTES = 16 * 1024**2
AHEAD = 3
"""Chunks a worker has waiting."""


@dataclass
class Counts:
    """How an extraction stands.

    Attributes:
        total: files to be read, ``skipped`` those that were done already, ``done`` those read now, bad ones among them.
        audio_seconds: of sound read now.
        bad: (path, reason) of files that could not be read.
        notes: (path, what is told of how it was read), as of channels that cancel.
        stopped: whether it was stopped before the end.
        index: where the index lies, at the end.
    """

    total: int = 0
    skipped: int = 0
    done: int = 0
    audio_seconds: float = 0.0
    bad: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False
    index: Path | None = None

    def take(self, entries: list[Entry]) -> None:
        self.done += len(entries)
        self.audio_seconds += sum(entry.seconds for entry in entries)
        self.bad += [(entry.path, entry.error) for entry in entries if entry.error]
        self.notes += [(entry.path, entry.note) for entry in entries if entry.note]


def extract(
    source: Path,
    output: Path,
    settings: ExtractSettings,
    *,
    device: str = "cpu",
    workers: int = 1,
    index: str = "csv",
    progress: Callable[[Counts], None] = lambda counts: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Counts:
    """Features of all sound files in and below a folder, in files of the same tree.

    Files that are done (same settings, size and time of change, output there) are skipped; bad ones are tried again. It may be
    ended at any moment and goes on when it is called again.

    Args:
        device: ``cpu``, where each of ``workers`` processes does everything for its files, or ``cuda:N``, where threads decode
            and this process computes.
        progress: called now and then.
        should_stop: asked now and then; what is running is finished, and the index written.

    Raises:
        AudioError: no sound files there.
        ConfigError: the output folder contains features of other settings, or is one of the sound files.
        WorkspaceError: the output cannot be written; what was done until then stays.
    """
    found = find_audio(source, foreign=True, noises=True)
    paths = ["/".join(parts) for parts in found.files]
    counts = Counts(total=len(paths) + len(found.problems))
    unread = [
        Entry(os.path.relpath(problem.path, source), error=f"{problem.path} {problem.what}.")
        for problem in found.problems
    ]
    if not counts.total:
        raise AudioError(f"there are no sound files in {source}", "Choose another folder")
    _refuse_among_sounds(source, paths, output)
    require_writable(output, folder=True)
    claim(output, settings)
    journal = Journal(output)
    waiting = [path for path in paths if not journal.done(source, path, settings)]
    counts.skipped = len(paths) - len(waiting)
    counts.take(unread)
    for entry in unread:
        journal.entries[entry.path] = entry
    progress(counts)
    each = _Work(source, output, settings, workers, should_stop)
    answers = each.on_cores(waiting) if device == "cpu" else each.on_device(waiting, device)
    try:
        for entries in answers:
            journal.add(entries)
            counts.take(entries)
            progress(counts)
    finally:
        answers.close()
    counts.stopped = counts.done + counts.skipped < counts.total
    counts.index = journal.write_index([*paths, *(entry.path for entry in unread)], index)
    return counts


def _refuse_among_sounds(source: Path, paths: Sequence[str], output: Path) -> None:
    """See that nothing is written among the sound files.

    Raises:
        ConfigError: the output folder is theirs, or one below it that holds some of them.
    """
    folder, there = Path(os.path.realpath(source)), Path(os.path.realpath(output))
    if there == folder or (
        there.is_relative_to(folder) and any((folder / path).is_relative_to(there) for path in paths)
    ):
        raise ConfigError(
            f"{output} is a folder of the sound files themselves", "Name another --output folder, as one beside them"
        )


@dataclass(frozen=True)
class _Work:
    """What is done with each file, and by how many."""

    source: Path
    output: Path
    settings: ExtractSettings
    workers: int
    should_stop: Callable[[], bool]

    def on_cores(self, paths: list[str]) -> Generator[list[Entry], None, None]:
        """Chunks of entries as they come, from processes. A file that ends its process is found out and told as bad."""
        chunks = deque(self._chunks(paths, max(1, min(CHUNK, len(paths) // (4 * self.workers)))))
        while chunks and not self.should_stop():
            pool = self._pool(min(self.workers, len(chunks)))
            running: dict[Future[list[Entry]], list[str]] = {}
            try:
                while (chunks or running) and not (self.should_stop() and not running):
                    while chunks and len(running) < self.workers * AHEAD and not self.should_stop():
                        chunk = chunks[0]
                        running[self._handed(pool, chunk)] = chunks.popleft()
                    if self.should_stop():
                        running = {future: chunk for future, chunk in running.items() if not future.cancel()}
                    for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                        entries = future.result()
                        del running[future]
                        yield entries
            except BrokenProcessPool:
                pool.shutdown(wait=True, cancel_futures=True)
                yield from self._one_by_one([path for chunk in running.values() for path in chunk])
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def on_device(self, paths: list[str], device: str) -> Generator[list[Entry], None, None]:
        """Entries one by one: threads decode ahead (they let go of the interpreter), this thread computes and writes."""
        from labcore.extract.features import Extractor

        extractor = Extractor(self.settings, device)
        stamps = deque[
            tuple[int, int]
        ]()  # of before they are decoded: what changes after that is done again the next time

        def files() -> Iterator[Path]:
            for path in paths:
                stamps.append(stamp_of(self.source / path))
                yield self.source / path

        with contextlib.closing(decode_ahead(files(), extractor.sample_rate, self.workers)) as decoded:
            for path, (_, sound) in zip(paths, decoded, strict=True):
                yield [extract_file(self.source, path, self.output, extractor, (sound, *stamps.popleft()))]
                if self.should_stop():
                    return

    def _chunks(self, paths: list[str], most: int) -> Iterator[list[str]]:
        """At most ``most`` files a chunk, and long recordings by themselves, so that work is shared evenly and a stop is quick."""
        chunk: list[str] = []
        held = 0
        for path in paths:
            size = stamp_of(self.source / path)[0]
            if chunk and (len(chunk) >= most or held + size > CHUNK_BYTES):
                yield chunk
                chunk, held = [], 0
            chunk.append(path)
            held += size
        if chunk:
            yield chunk

    def _one_by_one(self, paths: list[str]) -> Iterator[list[Entry]]:
        """After a process died: each file that may have been the reason, in a process that nothing else depends on."""
        pool = self._pool(1)
        try:
            for path in paths:
                if self.should_stop():
                    return
                try:
                    yield self._handed(pool, [path]).result()
                except BrokenProcessPool:
                    pool.shutdown(wait=True, cancel_futures=True)
                    pool = self._pool(1)
                    size, mtime_ns = stamp_of(self.source / path)
                    told = f"{self.source / path} crashed the process that read it: out of memory, or a decoder error."
                    yield [Entry(path, error=told, size=size, mtime_ns=mtime_ns)]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _handed(self, pool: ProcessPoolExecutor, paths: list[str]) -> Future[list[Entry]]:
        return pool.submit(work, self.source, paths, self.output)

    def _pool(self, workers: int) -> ProcessPoolExecutor:
        # A process that has loaded torch once and makes the workers; a plain fork would copy locks that threads here hold. On macOS each
        # loads it by itself: libraries of Apple's that torch loads may crash in a process that was forked after that.
        context = multiprocessing.get_context("spawn" if sys.platform == "darwin" else "forkserver")
        if context.get_start_method() == "forkserver":
            context.set_forkserver_preload(["labcore.extract.files"])
        return ProcessPoolExecutor(workers, context, start_worker, (self.settings,))
