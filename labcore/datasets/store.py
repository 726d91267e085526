"""The clip store: every clip decoded once, kept as 16-bit integers at one sample rate, memory-mapped.

::

    cache/clips/<data set>-<rate>-<key>/
      samples.i16   all clips, one after the other
      index.npz     where each one begins, its scale, its row in the clip table
      meta.json     written last: what the store was made from, and what could not be read

The key is worked out from what went in: each clip's file, its size and time of change, the part that is taken, the rate, and the
version of the format. Labels and folds are not in it: they come from the clip table, so that another split needs no new store.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from filelock import FileLock

from labcore.audio import Recording, dequantise, quantise
from labcore.datasets.table import Dataset, Problem, behind, merged
from labcore.device import usable_cores
from labcore.errors import AudioError, DatasetError, LabError, WorkspaceError
from labcore.reading import read_object
from labcore.texts import as_bytes, counted
from labcore.workspace import Workspace, slug
from labcore.zips import opened_zip

FORMAT = 2
AHEAD = 16  # clips a thread may be ahead of the writer
AHEAD_BYTES = 256 * 1024**2  # decoded clips that may wait for the writer, whatever their number
FLUSH_BYTES = 16 * 1024**2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ClipStore:
    """The readable clips of a data set.

    Attributes:
        samples: int16 (all samples,), memory-mapped copy-on-write, so that torch takes it without a copy or a warning.
        offsets: int64 (clips + 1,): clip i is ``samples[offsets[i]:offsets[i + 1]]``.
        scales: float32 (clips,): what brings the integers of a clip back to ±1.
        table: the clip table's rows of these clips, row i for clip i.
        problems: clips that could not be read, with those of the data set.
        sample_rate: in Hz.
        notes: clips that were read in a way that is out of the ordinary, as those whose channels cancel.
        made_again: a store was there and damaged, so that it was made again.
    """

    samples: np.ndarray
    offsets: np.ndarray
    scales: np.ndarray
    table: pd.DataFrame
    problems: list[Problem]
    sample_rate: int
    notes: list[Problem] = field(default_factory=list)
    made_again: bool = False

    def __len__(self) -> int:
        return len(self.scales)

    @property
    def lengths(self) -> np.ndarray:
        """int64 (clips,), in samples."""
        return np.diff(self.offsets)

    @property
    def seconds(self) -> np.ndarray:
        """float64 (clips,)."""
        return self.lengths / self.sample_rate

    def waveform(self, clip: int) -> np.ndarray:
        """A clip as float32 (samples,)."""
        return dequantise(self.samples[self.offsets[clip] : self.offsets[clip + 1]], float(self.scales[clip]))


def open_store(workspace: Workspace, dataset: Dataset, sample_rate: int, progress: Progress | None = None) -> ClipStore:
    """The clip store of a data set at a sample rate; it is built where it is missing or damaged.

    Args:
        workspace: its cache holds the store.
        sample_rate: in Hz.
        progress: called with (clips done, clips) while the store is built, from this thread. What it raises ends the build
            and leaves nothing behind.

    Raises:
        DatasetError: not one clip can be read.
        WorkspaceError: the cache cannot be written, or the disk is full.
    """
    key = _key(dataset, sample_rate)
    try:
        parent = workspace.cache / "clips"
        parent.mkdir(exist_ok=True)
        folder = parent / f"{slug(dataset.name)[:40]}-{sample_rate}-{key}"
        store = _load(folder, dataset, sample_rate)
        if store is None:
            with FileLock(parent / f".{key}.lock"):  # another process may be building the same store: then its is taken
                store = _load(folder, dataset, sample_rate)
                if store is None:
                    damaged = os.path.lexists(folder)
                    _build(folder, dataset, sample_rate, progress)
                    store = _load(folder, dataset, sample_rate)
                    store = store and replace(store, made_again=damaged)
    except OSError as error:
        megabytes = (
            len(dataset.table) * 5.0 * sample_rate * 2 / 1e6
        )  # of clips of five seconds: a message needs no more
        raise WorkspaceError(
            f"the clip store in {workspace.cache} cannot be written: {error.strerror or error}",
            f"Free about {megabytes:.0f} MB, or choose another workspace with LABCORE_HOME",
        ) from error
    if store is None:
        raise WorkspaceError(f"the clip store {folder} cannot be read back", "Delete it and try again")
    return store


def _key(dataset: Dataset, sample_rate: int) -> str:
    digest = hashlib.sha256(f"{FORMAT} {sample_rate}\n".encode())
    table = dataset.table
    root = str(dataset.root if dataset.layout != "csv" else dataset.root.parent)
    for path, start_s, end_s in zip(table["path"], table["start_s"], table["end_s"], strict=True):
        try:
            info = os.stat(path)  # noqa: PTH116 (called for every clip)
            stamp = f"{info.st_size} {info.st_mtime_ns}"
        except (OSError, ValueError):
            stamp = "missing"
        # os.path and not Path: ten times faster, and this is done for every clip at every start
        relative = path[len(root) :] if path.startswith(root) else path
        digest.update(as_bytes(f"{relative}\0{stamp} {start_s} {end_s}\n"))
    return digest.hexdigest()[:16]


def _load(folder: Path, dataset: Dataset, sample_rate: int) -> ClipStore | None:
    """The store in a folder; None where there is none, or it is damaged in whatever way: a cache is made again."""
    try:
        meta = read_object(folder / "meta.json")
        offsets, scales, rows = _index(folder, len(dataset.table))
        if meta["format"] != FORMAT or (folder / "samples.i16").stat().st_size != 2 * offsets[-1]:
            return None
        samples = np.memmap(folder / "samples.i16", dtype=np.int16, mode="c")
        bad, notes = (
            [Problem(dataset.table["path"].iat[row], str(what)) for row, what in meta[key]]
            for key in ("problems", "notes")
        )
    except Exception:
        return None
    table = dataset.table.iloc[rows].reset_index(drop=True)
    return ClipStore(samples, offsets, scales, table, merged([*dataset.problems, *bad]), sample_rate, merged(notes))


def _index(folder: Path, clips: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets (n + 1,), scales (n,) and rows (n,) of a store's clips, where ``clips`` stand in the data set.

    Raises:
        Exception: of any kind, where they are damaged or not those of such a store.
    """
    with (folder / "index.npz").open("rb") as file, opened_zip(file) as archive:
        if any(info.file_size > 8 * (clips + 1) + 4096 for info in archive.infolist()):
            raise ValueError("the index is larger than its data set requires")
        offsets, scales, rows = (
            np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
            for name in ("offsets", "scales", "rows")
        )
    kinds = offsets.dtype == np.int64 and scales.dtype == np.float32 and rows.dtype == np.int64
    if not (
        kinds and offsets.ndim == scales.ndim == rows.ndim == 1 and len(offsets) - 1 == len(scales) == len(rows) > 0
    ):
        raise ValueError("the index has the wrong format")
    right = offsets[0] == 0 and (np.diff(offsets) >= 0).all() and np.isfinite(scales).all()
    if not (right and rows[0] >= 0 and (np.diff(rows) > 0).all() and rows[-1] < clips):
        raise ValueError("the index contains impossible values")
    return offsets, scales, rows


def _build(folder: Path, dataset: Dataset, sample_rate: int, progress: Progress | None) -> None:
    draft = folder.with_name(f".{folder.name}.draft")  # who holds the lock owns it; one from a killed build is stale
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir():
        folder.unlink(missing_ok=True)  # something else of that name
    draft.mkdir()
    try:
        meta = _write_clips(draft, dataset, sample_rate, progress)
        with (draft / "meta.json").open("w") as file:
            json.dump(meta, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _remove_older(folder, meta)


def _write_clips(draft: Path, dataset: Dataset, sample_rate: int, progress: Progress | None) -> dict[str, Any]:
    """Decode on all cores; this thread writes the clips in their order as they come and reports."""
    offsets, scales, rows = [0], [], []
    problems: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []
    total = len(dataset.table)
    unflushed = 0
    with (draft / "samples.i16").open("wb", buffering=0) as file:
        for row, clip in enumerate(_decoded(dataset, sample_rate)):
            written = _write(file, clip, partial(progress, row, total) if progress else lambda: None)
            if isinstance(written, LabError):
                problems.append((row, behind(dataset.table["path"].iat[row], written.what)))
            else:
                length, scale, told = written
                notes += [(row, note) for note in told]
                offsets.append(offsets[-1] + length)
                scales.append(scale)
                rows.append(row)
                unflushed += 2 * length
                if unflushed > FLUSH_BYTES:  # little by little, while the cores decode, instead of all at the end
                    os.fsync(file.fileno())
                    unflushed = 0
            if progress is not None:
                progress(row + 1, total)
        os.fsync(file.fileno())
    if not rows:
        what = f"{dataset.table['path'].iat[0]} {problems[0][1]}" if problems else "it has none"
        raise DatasetError(
            f"none of the {counted(total, 'clip')} of {dataset.name} can be read: {what}",
            "Check the files of the data set",
        )
    with (draft / "index.npz").open("wb") as file:
        np.savez(
            file,
            offsets=np.array(offsets, np.int64),
            scales=np.array(scales, np.float32),
            rows=np.array(rows, np.int64),
        )
        file.flush()
        os.fsync(file.fileno())
    facts = {"format": FORMAT, "root": str(dataset.root), "sample_rate": sample_rate}
    return {**facts, "problems": problems, "notes": notes}


Decoded = tuple[np.ndarray, float, tuple[str, ...]] | Recording | LabError
"""A clip's integers, scale and what is told of it; a long recording that is to be taken block by block; or why it cannot be read."""
Written = tuple[int, float, tuple[str, ...]] | LabError
"""Samples that were written, their scale and what is told of them, or why there are none."""


def _decoded(dataset: Dataset, sample_rate: int) -> Iterator[Decoded]:
    """Each clip's integers, scale and what is told of it, or why it cannot be read, in the table's order; threads decode ahead.

    Threads do, since soundfile and soxr let go of the interpreter while they work.
    """
    table = dataset.table
    spans = zip(table["path"], table["start_s"], table["end_s"], strict=True)
    threads = usable_cores()
    waiting: deque[Future[Decoded]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    try:
        for path, start_s, end_s in spans:
            waiting.append(pool.submit(_decode_clip, path, start_s, end_s, sample_rate))
            while len(waiting) >= threads * AHEAD or (len(waiting) > threads and _bytes_in(waiting) > AHEAD_BYTES):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _bytes_in(waiting: deque[Future[Decoded]]) -> int:
    clips = (future.result() for future in waiting if future.done() and not future.exception())
    return sum(clip[0].nbytes for clip in clips if isinstance(clip, tuple))


def _decode_clip(path: str, start_s: float, end_s: float, sample_rate: int) -> Decoded:
    recording = Recording(path, sample_rate, start_s=start_s, end_s=None if end_s != end_s else end_s)
    try:
        sound = recording.at_once()
    except AudioError as error:
        return error
    return recording if sound is None else (*quantise(sound.waveform), sound.notes)


def _write(file: IO[bytes], clip: Decoded, progress: Callable[[], None]) -> Written:
    """Write a clip at the end of the file; ``progress`` is called now and then while a long recording is written."""
    if isinstance(clip, LabError):
        return clip
    if isinstance(clip, Recording):
        return _write_long(file, clip, progress)
    _write_all(file, clip[0])
    return len(clip[0]), clip[1], clip[2]


def _write_long(file: IO[bytes], recording: Recording, progress: Callable[[], None]) -> Written:
    """Write a long recording block by block. What was written of it is taken back where it turns out to be unreadable."""
    begin, length, scale = file.tell(), 0, 1.0

    def take_back() -> None:
        file.seek(begin)
        file.truncate()

    try:
        for block in recording.quantised():
            if block.anew:
                take_back()
                length = 0
            _write_all(file, block.samples)
            length, scale = length + len(block.samples), block.scale
            progress()
    except AudioError as error:
        take_back()
        return error
    return length, scale, recording.notes


def _write_all(file: IO[bytes], samples: np.ndarray) -> None:
    rest = samples.data.cast("B")
    while rest:
        rest = rest[file.write(rest) :]


def _remove_older(folder: Path, meta: dict[str, Any]) -> None:
    """Remove stores of the same data set at the same rate from before it changed. Who has one open keeps it until then."""
    for other in folder.parent.glob(f"*-{meta['sample_rate']}-*"):
        if other != folder and not other.name.startswith("."):
            with contextlib.suppress(OSError, ValueError, KeyError):
                if read_object(other / "meta.json")["root"] == meta["root"]:
                    shutil.rmtree(other, ignore_errors=True)
