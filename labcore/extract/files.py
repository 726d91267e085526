"""One sound file to one output file, and the line of the index that tells of it. Runs in the worker processes."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labcore.audio import Recording, Sound
from labcore.errors import LabError, WorkspaceError
from labcore.extract.features import Extractor
from labcore.extract.settings import ExtractSettings
from labcore.workspace import stamp_of, write_atomically


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

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def output_name(path: str, settings: ExtractSettings) -> str:
    """``dogs/a.wav`` → ``dogs/a.wav.npy``: the ending stays, so that a.wav and a.flac do not meet."""
    return f"{path}.{settings.format}"


def extract_file(source: Path, path: str, output: Path, extractor: Extractor) -> Entry:
    """Read, compute and write one file. What is wrong with the file is told in the entry.

    Raises:
        WorkspaceError: the output cannot be written.
    """
    size, mtime_ns = stamp_of(source / path)
    try:
        recording = Recording(source / path, extractor.sample_rate)
        return write_entry(recording.at_once() or recording, path, output, extractor, size, mtime_ns)
    except WorkspaceError:
        raise
    except LabError as error:
        return Entry(path, error=str(error), size=size, mtime_ns=mtime_ns)
    except MemoryError:
        return Entry(
            path,
            error=f"{source / path} is too long for this machine's memory. Cut it into parts.",
            size=size,
            mtime_ns=mtime_ns,
        )


def write_entry(
    sound: Sound | Recording, path: str, output: Path, extractor: Extractor, size: int, mtime_ns: int
) -> Entry:
    """The features of a sound into its output file; a recording is taken block by block.

    Raises:
        AudioError: it cannot be read.
        WorkspaceError: the output cannot be written.
    """
    if isinstance(sound, Recording):
        features, starts, samples = extractor.of_recording(sound)
    else:
        (features, starts), samples = extractor(sound.waveform), len(sound.waveform)
    settings = extractor.settings
    content = encode(features, starts, settings)
    name = output_name(path, settings)
    write_output(output / name, content)
    frames = features.shape[0] if settings.kind == "embeddings" else features.shape[1]
    shape = "x".join(map(str, features.shape))
    seconds, note = round(samples / sound.sample_rate, 6), "; ".join(sound.notes)
    return Entry(path, name, shape, frames, seconds, sound.sample_rate, "", size, mtime_ns, len(content), note)


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


def write_output(path: Path, content: bytes) -> None:
    """Write an output file, whole or not at all; folders are made.

    Raises:
        WorkspaceError: with the remedy for an output folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file that a power cut left short is seen by its size and made again: no need to wait for the disk each time.
        write_atomically(path, content, durable=False)
    except (OSError, WorkspaceError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else getattr(cause, "strerror", None) or str(error)
        raise WorkspaceError(
            f"{path} cannot be written: {reason}",
            "Free some space, then give the same command again: it goes on where it stopped"
            if full
            else "Check the output folder's permissions, or choose another one",
        ) from error


_settings: dict[str, Any] = {}
_extractor: Extractor | None = None


def start_worker(settings: dict[str, Any]) -> None:
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
    _settings.update(settings)


def work(source: str, paths: list[str], output: str) -> list[Entry]:
    """Files in a worker process.

    Raises:
        WorkspaceError: an output cannot be written.
        LabError: the weights cannot be read. Made here and not when the process starts, where it could not be told.
    """
    global _extractor
    if _extractor is None:
        _extractor = Extractor(ExtractSettings.from_dict(_settings))
    return [extract_file(Path(source), path, Path(output), _extractor) for path in paths]
