"""What is measured of the clips of a data set, once each: length, rate, channels, level, and statistics of the log-mel; and what
recorders wrote into their files.

``facts.parquet`` lies in the data set's folder of the cache. A clip is known by its way from the data set's folder and its span; it is
measured anew where its file has another size or time, or another channel of it is heard. Who looks at a data set reads this file and
none of the clips.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from labcore.audio import probe, resample
from labcore.audio.ahead import ahead
from labcore.audio.comments import comments_of
from labcore.audio.waveforms import loudest_of
from labcore.config import RunConfig
from labcore.datasets.caches import cache_of, opened_to_keep
from labcore.datasets.rows import Row, rows_of
from labcore.datasets.table import CHANNEL, Dataset, behind, ways_from
from labcore.device import usable_cores
from labcore.errors import AudioError
from labcore.jobs.following import OnProgress
from labcore.reading import open_file
from labcore.texts import all_shown, shown
from labcore.workspace import Workspace, stamp_of

FILE = "facts.parquet"
KEYS = ("clip", "start_s", "end_s")
"""What a clip is known by: its way, and its span; an end of -1 is the file's end."""
MEL = "mel"
RECORDED = ("recorder", "time", "place", "temperature")
"""What a recorder wrote, as :mod:`labcore.audio.comments` tells it; "" where it did not."""
MEASURED = ("seconds", "rate", "channels", "level_db", "peak_db", "trouble", *RECORDED)
COLUMNS = (*KEYS, "bytes", "mtime_ns", CHANNEL, *MEASURED)
MEL_SECONDS = 60.0
"""Of a longer clip the statistics are those of its beginning."""
AHEAD = 16
"""Clips that a thread may be ahead."""
SILENCE_DB = -120.0
"""The level of digital silence, and the lowest that is told."""


class Measured(NamedTuple):
    """What is measured of a clip.

    Attributes:
        seconds, rate, channels: its length, the file's sample rate in Hz and number of channels; nan and 0 where it cannot be read.
        level_db, peak_db: RMS and loudest sample of the mix in dB of full scale, where a square wave at full scale has 0.
        trouble: why it cannot be read, in words that follow its name; "" where it can.
        recorder, time, place, temperature: what its recorder wrote.
        mel: (2 n_mels,) float16, mean and standard deviation over time of each band of the default log-mel, in dB; empty with a trouble.
    """

    seconds: float
    rate: int
    channels: int
    level_db: float
    peak_db: float
    trouble: str
    recorder: str
    time: str
    place: str
    temperature: str
    mel: np.ndarray


def measure(
    workspace: Workspace, dataset: Dataset, progress: OnProgress = lambda done, total: None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Measure the clips that are new or changed, and keep what is known of all.

    Args:
        progress: called with clips done and clips in all. What it raises ends the work; what was measured by then is kept.

    Returns:
        The facts of the clips, see :func:`known_facts`, and their mel statistics (clips, 2 n_mels) float32, nan where there are none;
        both in the order of the data set's table.

    Raises:
        WorkspaceError: the cache cannot be written.
    """
    rows, keys = rows_of(dataset.table), keys_of(dataset)
    sizes = {path: stamp_of(path) for path in dataset.table["path"]}
    stamps = {key: (*sizes[row.path], row.channel) for key, row in zip(keys, rows, strict=True)}
    there = set(keys)
    known = {key: one for key, one in _read(workspace, dataset).items() if key in there}
    wanted = {key: row for key, row in zip(keys, rows, strict=True) if key not in known or known[key][0] != stamps[key]}
    done = len(keys) - len(wanted)
    try:
        threads = usable_cores()
        results = ahead(_measured, wanted.values(), threads, lambda waiting: len(waiting) >= threads * AHEAD)
        with contextlib.closing(results):
            for key, result in zip(wanted, results, strict=True):
                known[key] = stamps[key], result
                done += 1
                progress(done, len(keys))
    finally:
        if wanted:
            _write(workspace, dataset, known)
    found = [known[key] for key in keys]
    return _frame(zip(keys, found, strict=True)), _stacked([one.mel for _, one in found])


def known_facts(workspace: Workspace, dataset: Dataset) -> pd.DataFrame:
    """What was measured of a data set before, a row a clip: the columns :data:`COLUMNS`. No rows where nothing was. Reads no clip."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_file(facts_file(workspace, dataset)) as file:
            return pq.read_table(file, columns=list(COLUMNS)).to_pandas()[list(COLUMNS)]
    except (OSError, pa.ArrowException, ValueError, KeyError):  # a cache is made again
        return _frame([])


def facts_file(workspace: Workspace, dataset: Dataset) -> Path:
    """Where the facts of a data set lie."""
    return cache_of(workspace, dataset.root) / FILE


Key = tuple[str, float, float]
_Known = tuple[tuple[int, int, int], Measured]
"""Bytes and time of the file, and the channel that was measured; with what was."""


def keys_of(dataset: Dataset) -> list[Key]:
    """What the clips of a data set are known by, in the order of its table."""
    return list(zip(*key_columns(dataset), strict=True))


def key_columns(dataset: Dataset) -> tuple[list[str], list[float], list[float]]:
    """The same by columns: the clips' ways, starts and ends."""
    table = dataset.table
    ways = all_shown(ways_from(dataset.folder, table["path"]))
    return ways, table["start_s"].tolist(), table["end_s"].fillna(-1.0).tolist()


def _measured(row: Row) -> Measured:
    comments = comments_of(row.path)
    recorder, time, place, temperature = (comments.get(name, "") for name in RECORDED)
    recorded = recorder, time, place, temperature
    try:
        channels = probe(row.path).channels
        recording = row.recording()
        length, squares, peak, head = 0, 0.0, 0.0, list[np.ndarray]()
        for block in recording.waveform():
            if block.anew:
                length, squares, peak, head = 0, 0.0, 0.0, []
            if length < MEL_SECONDS * recording.sample_rate:
                head.append(block.samples.copy())
            length += len(block.samples)
            squares += float(np.square(block.samples, dtype=np.float64).sum())
            peak = max(peak, loudest_of(block.samples))
        rate = recording.sample_rate
        start = np.concatenate(head)[: round(MEL_SECONDS * rate)]
        return Measured(
            length / rate, rate, channels, _decibels(math.sqrt(squares / max(1, length))), _decibels(peak), "", *recorded, _mel(start, rate)
        )  # fmt: skip
    except AudioError as error:
        trouble = behind(row.path, error.what)
    return Measured(math.nan, 0, 0, math.nan, math.nan, shown(trouble), *recorded, np.zeros(0, np.float16))


def _mel(waveform: np.ndarray, rate: int) -> np.ndarray:
    from labcore.explore.views import view_of

    config = RunConfig()
    levels = view_of("log-mel", resample(waveform, rate, config.sample_rate), config).levels
    return np.concatenate([levels.mean(1), levels.std(1)]).astype(np.float16)


def _decibels(amplitude: float) -> float:
    return round(max(SILENCE_DB, 20 * math.log10(max(amplitude, 1e-10))), 2)


# --- the file


def _frame(known: Iterable[tuple[Key, _Known]]) -> pd.DataFrame:
    rows = [(*key, *stamp, *one[:-1]) for key, (stamp, one) in known]
    kinds = {
        "clip": object,
        "trouble": object,
        **dict.fromkeys(RECORDED, object),
        "bytes": "int64",
        "mtime_ns": "int64",
        CHANNEL: "int64",
        "rate": "int64",
        "channels": "int64",
    }
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({name: kinds.get(name, float) for name in COLUMNS})


def _write(workspace: Workspace, dataset: Dataset, known: dict[Key, _Known]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(_frame(known.items()), preserve_index=False)
    mels = [one.mel for _, one in known.values()]
    edges = np.concatenate([[0], np.cumsum([len(mel) for mel in mels])]).astype(np.int32)
    mel = pa.ListArray.from_arrays(pa.array(edges), pa.array(np.concatenate(mels)))
    with opened_to_keep(facts_file(workspace, dataset)) as stream:
        pq.write_table(table.append_column(MEL, mel), stream, compression="zstd")


def _read(workspace: Workspace, dataset: Dataset) -> dict[Key, _Known]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    bands = 2 * RunConfig().features.n_mels
    found: dict[Key, _Known] = {}
    try:
        with open_file(facts_file(workspace, dataset)) as file:
            table = pq.read_table(file, columns=[*COLUMNS, MEL])
        flat = table[MEL].combine_chunks()
        values, edges = flat.values.to_numpy(zero_copy_only=False), flat.offsets.to_numpy()
        columns = [*(table[name].to_pylist() for name in COLUMNS), np.split(values, edges[1:-1])]
        for clip, start, end, size, time, channel, *rest in zip(*columns, strict=True):
            one = Measured(*rest)
            if one.trouble or len(one.mel) == bands:
                found[clip, start, end] = (size, time, channel), one
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):  # a cache is made again
        return {}
    return found


def _stacked(mels: list[np.ndarray]) -> np.ndarray:
    made = np.full((len(mels), 2 * RunConfig().features.n_mels), np.nan, dtype=np.float32)
    for number, mel in enumerate(mels):
        if len(mel):
            made[number] = mel
    return made
