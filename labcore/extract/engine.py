"""A folder of sound files on all cores, or with the network on a GPU."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from labcore.datasets.scan import find_audio
from labcore.errors import AudioError, LabError, WorkspaceError
from labcore.extract.files import Entry, start_worker, work, write_entry
from labcore.extract.index import Journal
from labcore.extract.settings import ExtractSettings, claim
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
        should_stop: asked now and then; what is at work is finished, and the index written.

    Raises:
        AudioError: no sound files there.
        ConfigError: the output folder holds features of other settings.
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
        raise AudioError(f"there are no sound files in {source}", "Name another folder")
    with WorkspaceError.on_os_error(f"the output folder {output} cannot be made", "Choose another one"):
        output.mkdir(parents=True, exist_ok=True)
    claim(output, settings)
    journal = Journal(output)
    waiting = [path for path in paths if not journal.done(source, path, settings)]
    counts.skipped = len(paths) - len(waiting)
    counts.take(unread)
    for entry in unread:
        journal.entries[entry.path] = entry
    progress(counts)
    make = _on_device if device != "cpu" else _on_cores
    answers = make(source, waiting, output, settings, device, workers, should_stop)
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


def _on_cores(
    source: Path,
    paths: list[str],
    output: Path,
    settings: ExtractSettings,
    device: str,
    workers: int,
    should_stop: Callable[[], bool],
) -> Generator[list[Entry], None, None]:
    """Chunks of entries as they come, from processes. A file that ends its process is found out and told as bad."""
    chunks = deque(_chunks(source, paths, max(1, min(CHUNK, len(paths) // (4 * workers)))))
    while chunks and not should_stop():
        pool = _pool(settings, min(workers, len(chunks)))
        running: dict[Future[list[Entry]], list[str]] = {}
        try:
            while (chunks or running) and not (should_stop() and not running):
                while chunks and len(running) < workers * AHEAD and not should_stop():
                    chunk = chunks[0]
                    running[pool.submit(work, str(source), chunk, str(output))] = chunks.popleft()
                if should_stop():
                    running = {future: chunk for future, chunk in running.items() if not future.cancel()}
                for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                    entries = future.result()
                    del running[future]
                    yield entries
        except BrokenProcessPool:
            pool.shutdown(wait=True, cancel_futures=True)
            suspects = [path for chunk in running.values() for path in chunk]
            yield from _one_by_one(source, suspects, output, settings, should_stop)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _chunks(source: Path, paths: list[str], most: int) -> Iterator[list[str]]:
    """At most ``most`` files a chunk, and long recordings by themselves, so that work is shared evenly and a stop is quick."""
    chunk: list[str] = []
    held = 0
    for path in paths:
        size = stamp_of(source / path)[0]
        if chunk and (len(chunk) >= most or held + size > CHUNK_BYTES):
            yield chunk
            chunk, held = [], 0
        chunk.append(path)
        held += size
    if chunk:
        yield chunk


def _one_by_one(
    source: Path, paths: list[str], output: Path, settings: ExtractSettings, should_stop: Callable[[], bool]
) -> Iterator[list[Entry]]:
    """After a process died: each file that may have been the reason, in a process that nothing else depends on."""
    pool = _pool(settings, 1)
    try:
        for path in paths:
            if should_stop():
                return
            try:
                yield pool.submit(work, str(source), [path], str(output)).result()
            except BrokenProcessPool:
                pool.shutdown(wait=True, cancel_futures=True)
                pool = _pool(settings, 1)
                size, mtime_ns = stamp_of(source / path)
                reason = f"{source / path} ended the process that read it: memory ran out, or its decoder crashed."
                yield [Entry(path, error=reason, size=size, mtime_ns=mtime_ns)]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(settings: ExtractSettings, workers: int) -> ProcessPoolExecutor:
    # A process that has loaded torch once and makes the workers; a plain fork would copy locks that threads here hold.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["labcore.extract.files"])
    return ProcessPoolExecutor(workers, context, start_worker, (settings.to_dict(),))


def _on_device(
    source: Path,
    paths: list[str],
    output: Path,
    settings: ExtractSettings,
    device: str,
    workers: int,
    should_stop: Callable[[], bool],
) -> Generator[list[Entry], None, None]:
    """Entries one by one: threads decode ahead (they let go of the interpreter), this thread computes and writes."""
    from labcore.audio.ahead import decode_ahead
    from labcore.extract.features import Extractor

    extractor = Extractor(settings, device)
    with contextlib.closing(decode_ahead((source / path for path in paths), extractor.sample_rate, workers)) as decoded:
        for path, (file, sound) in zip(paths, decoded, strict=True):
            size, mtime_ns = stamp_of(file)
            try:
                if isinstance(sound, LabError):
                    raise sound
                entry = write_entry(sound, path, output, extractor, size, mtime_ns)
            except WorkspaceError:
                raise
            except LabError as error:
                entry = Entry(path, error=str(error), size=size, mtime_ns=mtime_ns)
            yield [entry]
            if should_stop():
                return
