"""The clip store is written: every clip decoded once, on all cores, and put into one file in the order of the table."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from labcore.audio import Recording, quantise
from labcore.audio.ahead import ahead
from labcore.datasets.table import Dataset, behind, channels_of
from labcore.device import usable_cores
from labcore.errors import AudioError, DatasetError, LabError
from labcore.jobs.following import OnProgress
from labcore.reading import read_object
from labcore.texts import counted

FORMAT = 2
AHEAD = 16  # clips a thread may be ahead of the writer
AHEAD_BYTES = 256 * 1024**2  # decoded clips that may wait for the writer, whatever their number
FLUSH_BYTES = 16 * 1024**2
Decoded = tuple[np.ndarray, float, tuple[str, ...]] | Recording | LabError
"""A clip's integers, scale and what is told of it; a long recording that is to be taken block by block; or why it cannot be read."""
Written = tuple[int, float, tuple[str, ...]] | LabError
"""Samples that were written, their scale and what is told of them, or why there are none."""


def build_store(folder: Path, dataset: Dataset, sample_rate: int, progress: OnProgress) -> None:
    """Make the store in a folder, whole or not at all, in place of what is there. Whoever calls holds its lock.

    Raises:
        DatasetError: not one clip can be read.
        OSError: it cannot be written.
    """
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


def _write_clips(draft: Path, dataset: Dataset, sample_rate: int, progress: OnProgress) -> dict[str, Any]:
    """Decode on all cores; this thread writes the clips in their order as they come and reports."""
    offsets, scales, rows = [0], [], []
    problems: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []
    total = len(dataset.table)
    unflushed = 0
    with (draft / "samples.i16").open("wb", buffering=0) as file:
        for row, clip in enumerate(_decoded(dataset, sample_rate)):
            written = _write(file, clip, partial(progress, row, total))
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


def _decoded(dataset: Dataset, sample_rate: int) -> Iterator[Decoded]:
    """Each clip's integers, scale and what is told of it, or why it cannot be read, in the table's order; threads decode ahead."""
    spans = spans_of(dataset.table)
    threads = usable_cores()

    def full(waiting: deque[Future[Decoded]]) -> bool:
        return len(waiting) >= threads * AHEAD or (len(waiting) > threads and _bytes_in(waiting) > AHEAD_BYTES)

    return ahead(lambda span: _decode_clip(*span, sample_rate), spans, threads, full)


def spans_of(table: pd.DataFrame) -> Iterator[tuple[str, float, float, int]]:
    """What is decoded of each clip: path, start, end, and the channel that is heard alone, 0 for the mean of all."""
    return zip(table["path"], table["start_s"], table["end_s"], channels_of(table), strict=True)


def _bytes_in(waiting: deque[Future[Decoded]]) -> int:
    clips = (future.result() for future in waiting if future.done() and not future.exception())
    return sum(clip[0].nbytes for clip in clips if isinstance(clip, tuple))


def _decode_clip(path: str, start_s: float, end_s: float, channel: int, sample_rate: int) -> Decoded:
    end = None if end_s != end_s else end_s
    recording = Recording(path, sample_rate, start_s=start_s, end_s=end, channel=channel or None)
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
    samples, scale, notes = clip
    _write_all(file, samples)
    return len(samples), scale, notes


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
