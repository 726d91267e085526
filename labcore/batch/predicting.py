"""Asking a classifier about many files: decoded ahead, their windows batched across files, answered in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from labcore.audio import Recording, quantise
from labcore.audio.ahead import decode_ahead
from labcore.audio.windowed import Rows, hear
from labcore.device import usable_cores
from labcore.errors import LabError
from labcore.inference.classifier import Classifier
from labcore.serving import DynamicBatcher

TOGETHER = 64
"""Windows of a long recording that the network is asked about at a time, at most."""

_Asked = tuple[Path, np.ndarray, list[tuple[int, int]], "Future[np.ndarray]", tuple[str, ...]]


def predict_files(
    classifier: Classifier,
    files: list[Path],
    hop_seconds: float | None = None,
    progress: Callable[[Path, float], None] = lambda file, share: None,
) -> Generator[tuple[Path, dict[str, Any]], None, None]:
    """Each file with its prediction, or ``{"file", "error"}``, in order.

    So many windows are under way that the network never waits, and no more. Long recordings are taken block by block.

    Args:
        progress: called now and then with a long recording that is running and the share of it that is done; what it raises ends all.
    """
    batcher = DynamicBatcher(classifier.device)
    ahead = 2 * batcher.batch_size * batcher.workers
    asked: deque[_Asked | tuple[Path, LabError]] = deque()
    windows = 0
    decoded = decode_ahead(files, classifier.sample_rate, usable_cores())
    try:
        for file, sound in decoded:
            if isinstance(sound, LabError):
                asked.append((file, sound))
            elif isinstance(sound, Recording):
                while asked:
                    first = asked.popleft()
                    yield first[0], _told(classifier, first)
                windows = 0
                yield file, _of_recording(classifier, batcher, file, sound, hop_seconds, progress)
            else:
                samples, scale = quantise(sound.waveform)
                bounds = classifier.windows_of(len(samples), hop_seconds)
                asked.append((file, samples, bounds, batcher.submit(classifier, samples, scale, bounds), sound.notes))
                windows += len(bounds)
            while asked and (windows > ahead or len(asked) > ahead):
                first = asked.popleft()
                windows -= 0 if len(first) == 2 else len(first[2])
                yield first[0], _told(classifier, first)
        for rest in asked:
            yield rest[0], _told(classifier, rest)
    finally:
        decoded.close()
        batcher.close()


def _of_recording(
    classifier: Classifier,
    batcher: DynamicBatcher,
    file: Path,
    recording: Recording,
    hop_seconds: float | None,
    progress: Callable[[Path, float], None],
) -> dict[str, Any]:
    def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
        return batcher.submit(classifier, samples, scale, bounds).result

    try:
        together = min(TOGETHER, batcher.batch_size * batcher.workers)
        windowed = hear(
            recording, lambda: classifier.cutter(hop_seconds, together), ask, lambda share: progress(file, share)
        )
    except LabError as error:
        return {"file": str(file), "error": str(error)}
    return {"file": str(file), **classifier.prediction_of(windowed, recording.notes).told()}


def _told(classifier: Classifier, asked: _Asked | tuple[Path, LabError]) -> dict[str, Any]:
    if len(asked) == 2:
        return {"file": str(asked[0]), "error": str(asked[1])}
    file, samples, bounds, future, notes = asked
    try:
        return {"file": str(file), **classifier.prediction(samples, bounds, future.result(), notes).told()}
    except LabError as error:
        return {"file": str(file), "error": str(error)}
