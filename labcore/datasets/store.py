"""The clip store: every clip decoded once, kept as 16-bit integers at one sample rate, memory-mapped.

::

    cache/clips/<data set>-<rate>-<key>/
      samples.i16   all clips, one after the other
      index.npz     where each one begins, its scale, its row in the clip table
      meta.json     written last: what the store was made from, and what could not be read

The key is worked out from what went in: each clip's file, its size and time of change, the part and the channel that are taken, the
rate, and the version of the format. Labels and folds are not in it: they come from the clip table, so that another split needs no new
store.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from labcore.audio import dequantise
from labcore.datasets.store_writing import FORMAT, build_store, spans_of
from labcore.datasets.table import DataProblem, Dataset, merged
from labcore.errors import WorkspaceError
from labcore.jobs.following import OnProgress
from labcore.reading import read_object
from labcore.texts import as_bytes
from labcore.workspace import Workspace, slug, stamp_of
from labcore.zips import opened_zip


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
        built_seconds: what making it took; 0 where it was there.
    """

    samples: np.ndarray
    offsets: np.ndarray
    scales: np.ndarray
    table: pd.DataFrame
    problems: list[DataProblem]
    sample_rate: int
    notes: list[DataProblem] = field(default_factory=list)
    made_again: bool = False
    built_seconds: float = 0.0

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


def open_store(
    workspace: Workspace, dataset: Dataset, sample_rate: int, progress: OnProgress = lambda done, total: None
) -> ClipStore:
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
    megabytes = len(dataset.table) * 5.0 * sample_rate * 2 / 1e6  # of clips of five seconds: a message needs no more
    remedy = f"Free about {megabytes:.0f} MB, or choose another workspace with LABCORE_HOME"
    with WorkspaceError.on_os_error(f"the clip store in {workspace.cache} cannot be written", remedy):
        parent = workspace.cache / "clips"
        parent.mkdir(exist_ok=True)
        folder = parent / f"{slug(dataset.name, 40)}-{sample_rate}-{key}"
        store = _load(folder, dataset, sample_rate)
        if store is None:
            with FileLock(parent / f".{key}.lock"):  # another process may be building the same store: then its is taken
                store = _load(folder, dataset, sample_rate)
                if store is None:
                    damaged = os.path.lexists(folder)
                    start = time.perf_counter()
                    build_store(folder, dataset, sample_rate, progress)
                    store = _load(folder, dataset, sample_rate)
                    store = store and replace(store, made_again=damaged, built_seconds=time.perf_counter() - start)
    if store is None:
        raise WorkspaceError(f"the clip store {folder} cannot be read back", "Delete it and try again")
    return store


def _key(dataset: Dataset, sample_rate: int) -> str:
    digest = hashlib.sha256(f"{FORMAT} {sample_rate}\n".encode())
    table = dataset.table
    root = str(dataset.root if dataset.layout != "csv" and dataset.root.is_dir() else dataset.root.parent)
    for path, start_s, end_s, channel in spans_of(table):
        size, mtime_ns = stamp_of(path)
        # os.path and not Path: ten times faster, and this is done for every clip at every start
        relative = path[len(root) :] if path.startswith(root) else path
        alone = f" {channel}" if channel else ""
        digest.update(as_bytes(f"{relative}\0{size} {mtime_ns} {start_s} {end_s}{alone}\n"))
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
            [DataProblem(dataset.table["path"].iat[row], str(what)) for row, what in meta[key]]
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
