"""One sound file to one output file, and the line of the index that tells of it. Runs in the worker processes."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from labcore.audio import Recording
from labcore.audio.ahead import Decoded, decoded
from labcore.errors import LabError, WorkspaceError
from labcore.extract.features import Extractor
from labcore.extract.settings import ExtractSettings
from labcore.outputs import write_output
from labcore.workspace import stamp_of

AGAIN = "run the same command again: it continues where it stopped"


@dataclass(frozen=True)
class Entry:
    """A line of the index.

    Attributes:
        path, output: relative to the input and the output folder; ``output`` is empty where the file could not be read.
        shape: of the array, as ``64x431``.
        frames: frames of a log-mel or MFCC, windows of embeddings.
        seconds, sample_rate: of the waveform that the features were made of.
        error: why the file could not be read.
        size, mtime_ns: of the sound file when it was read.
        bytes: of the output file.
    """

    path: str
    output: str = ""
    shape: str = ""
    frames: int = 0
    seconds: float = 0.0
    sample_rate: int = 0
    error: str = ""
    size: int = 0
    mtime_ns: int = 0
    bytes: int = 0
    note: str = ""


def output_name(path: str, settings: ExtractSettings) -> str:
    """``dogs/a.wav`` → ``dogs/a.wav.npy``: the ending stays, so that a.wav and a.flac do not meet."""
    return f"{path}.{settings.format}"


def extract_file(
    source: Path, path: str, output: Path, extractor: Extractor, ahead: tuple[Decoded, int, int] | None = None
) -> Entry:
    """Read, compute and write one file; a long recording is taken block by block. What is wrong with it is told in the entry.

    Args:
        ahead: what was decoded of it already, and its size and time of change before that.

    Raises:
        WorkspaceError: the output cannot be written.
    """
    known, size, mtime_ns = ahead or (None, *stamp_of(source / path))
    entry = partial(Entry, path, size=size, mtime_ns=mtime_ns)
    try:
        sound = known or decoded(source / path, extractor.sample_rate)
        if isinstance(sound, LabError):
            raise sound
        if isinstance(sound, Recording):
            features, starts, samples = extractor.of_recording(sound)
        else:
            (features, starts), samples = extractor(sound.waveform), len(sound.waveform)
        settings = extractor.settings
        content, name = encode(features, starts, settings), output_name(path, settings)
        # A file that a power cut left short is seen by its size and made again: no need to wait for the disk each time.
        write_output(output / name, content, durable=False, again=AGAIN)
    except WorkspaceError:
        raise
    except LabError as error:
        return entry(error=str(error))
    except MemoryError:
        return entry(error=f"{source / path} is too long for this machine's memory. Cut it into parts.")
    return entry(
        output=name,
        shape="x".join(map(str, features.shape)),
        frames=features.shape[0] if settings.kind == "embeddings" else features.shape[1],
        seconds=round(samples / sound.sample_rate, 6),
        sample_rate=sound.sample_rate,
        bytes=len(content),
        note="; ".join(sound.notes),
    )


def encode(features: np.ndarray, starts: np.ndarray, settings: ExtractSettings) -> bytes:
    """An array as the bytes of a file. Parquet has a row a frame or window: ``start_s`` and the list ``values``."""
    buffer = io.BytesIO()
    if settings.format == "npy":
        np.save(buffer, features, allow_pickle=False)
    elif settings.format == "pt":
        import torch

        torch.save(torch.from_numpy(features), buffer)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = features if settings.kind == "embeddings" else np.ascontiguousarray(features.T)
        values = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
        pq.write_table(pa.table({"start_s": pa.array(starts), "values": values}), buffer)
    return buffer.getvalue()


_settings = ExtractSettings()
_extractor: Extractor | None = None


def start_worker(settings: ExtractSettings) -> None:
    """Makes a worker process ready: one thread each, deaf to Ctrl-C, gone when the process that started it is gone."""
    import multiprocessing
    import signal
    import threading

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
    global _settings
    _settings = settings


def work(source: Path, paths: list[str], output: Path) -> list[Entry]:
    """Files in a worker process.

    Raises:
        WorkspaceError: an output cannot be written.
        LabError: the weights cannot be read. Made here and not when the process starts, where it could not be told.
    """
    global _extractor
    if _extractor is None:
        _extractor = Extractor(_settings)
    return [extract_file(source, path, output, _extractor) for path in paths]
