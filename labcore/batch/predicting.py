"""Asking a classifier about many files: decoded ahead, their windows batched across files, answered in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from labcore.audio import Recording, quantise
from labcore.audio.ahead import decode_ahead
from labcore.audio.windowed import Rows, hear
from labcore.device import usable_cores
from labcore.errors import LabError
from labcore.inference.classifier import Classifier
from labcore.inference.prediction import Prediction
from labcore.serving.batcher import DynamicBatcher

TOGETHER = 64
"""Windows of a long recording that the network is asked about at a time, at most."""


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
    together = min(TOGETHER, batcher.batch_size * batcher.workers)
    asked = deque[tuple[Path, int, Callable[[], Prediction]]]()  # how many windows a file has, and what waits for them
    decoded = decode_ahead(files, classifier.sample_rate, usable_cores())

    def ask(samples: np.ndarray, scale: float, bounds: list[tuple[int, int]]) -> Rows:
        return batcher.submit(classifier, samples, scale, bounds).result

    def recording(file: Path, sound: Recording) -> Prediction:
        cutter = partial(classifier.cutter, hop_seconds, together)
        return classifier.prediction_of(hear(sound, cutter, ask, partial(progress, file)), sound.notes)

    def clip(samples: np.ndarray, bounds: list[tuple[int, int]], rows: Rows, notes: tuple[str, ...]) -> Prediction:
        return classifier.prediction(samples, bounds, rows(), notes)

    try:
        for file, sound in decoded:
            if isinstance(sound, LabError):
                asked.append((file, 0, partial(_refused, sound)))
            elif isinstance(sound, Recording):
                while asked:
                    yield _told(*asked.popleft())
                yield _told(file, 0, partial(recording, file, sound))
            else:
                samples, scale = quantise(sound.waveform)
                bounds = classifier.windows_of(len(samples), hop_seconds)
                rows = ask(samples, scale, bounds)
                asked.append((file, len(bounds), partial(clip, samples, bounds, rows, sound.notes)))
            while len(asked) > ahead or sum(windows for _, windows, _ in asked) > ahead:
                yield _told(*asked.popleft())
        while asked:
            yield _told(*asked.popleft())
    finally:
        decoded.close()
        batcher.close()


def _told(file: Path, windows: int, predict: Callable[[], Prediction]) -> tuple[Path, dict[str, Any]]:
    try:
        return file, {"file": str(file), **predict().told()}
    except LabError as error:
        return file, {"file": str(file), "error": str(error)}


def _refused(error: LabError) -> Prediction:
    raise error
