"""How a classifier holds out against noise: its accuracy over the signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from labcore.datasets.store import ClipStore
from labcore.evaluation.select import targets_of
from labcore.explore.draws import seeded
from labcore.explore.noise import NoiseAt, mixed_at
from labcore.inference.bank import wave_bank
from labcore.inference.classifier import Classifier
from labcore.inference.windows import ClipWindows
from labcore.intervals import wilson_interval

SNRS_DB = (30.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0, -10.0)


@dataclass(frozen=True)
class SnrCurve:
    """Accuracy over signal-to-noise ratio.

    Attributes:
        table: a row a ratio, the clips as they are first: ``snr_db`` (nan for these), ``clips``, ``hits``, ``accuracy``, and
            ``low`` and ``high``, the ends of its 95 % Wilson interval.
        clips: which clips they were, a sentence.
        complete: all of them were judged; else those until it was stopped.
    """

    table: pd.DataFrame
    clips: str
    complete: bool


def accuracy_over_snr(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    *,
    clips: str = "",
    snrs_db: Sequence[float] = SNRS_DB,
    colour: str = "pink",
    seed: int = 0,
    batch_size: int = 16,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SnrCurve:
    """Judge a classifier on clips with more and more noise.

    Noise is added to each window as the training chain does, at a ratio over the window. A clip gets the same noise at all
    ratios, so that they differ in its level alone. What is said of a clip is the mean over its windows that hold sound, the clip as it
    is without the noise.

    Args:
        store: at the classifier's sample rate.
        rows, clips: which clips, and the sentence on them, from :func:`labcore.evaluation.select.select_clips`.
        snrs_db: the ratios in dB.
        colour: of the noise, as ``augment.noise_colour``.
        seed: of the noise.
        batch_size: clips that are judged at once.
        should_stop: asked before each batch.
        progress: called with clips done and clips in all.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
    """
    targets = targets_of(classifier.labels, store.table["label"].to_numpy()[rows])
    judge = _Judge(classifier, store, [None, *snrs_db], colour)
    hits = np.zeros(len(snrs_db) + 1, dtype=np.int64)
    done = 0
    for first in range(0, len(rows), batch_size):
        if should_stop():
            break
        part = slice(first, first + batch_size)
        with seeded(seed * 1_000_003 + first):
            hits += (judge.probabilities(rows[part]).argmax(2) == targets[part]).sum(1)
        done = min(first + batch_size, len(rows))
        progress(done, len(rows))
    table = pd.DataFrame(
        [_row(ratio, int(hit), done) for ratio, hit in zip([float("nan"), *snrs_db], hits, strict=True)]
    )
    return SnrCurve(table, clips, complete=done == len(rows))


def _row(snr_db: float, hits: int, clips: int) -> dict[str, float]:
    low, high = wilson_interval(hits, clips)
    share = hits / clips if clips else float("nan")
    return {"snr_db": snr_db, "clips": clips, "hits": hits, "accuracy": share, "low": low, "high": high}


class _Judge:
    """A classifier and the noise that its clips get."""

    def __init__(self, classifier: Classifier, store: ClipStore, snrs_db: list[float | None], colour: str) -> None:
        self.classifier, self.snrs_db = classifier.eval(), snrs_db
        self.waves = wave_bank(store, torch.device("cpu"))
        self.noise = NoiseAt(0.0, colour)

    @torch.inference_mode()
    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """(ratios, clips, classes) float32."""
        windows = ClipWindows(self.classifier, self.waves, rows)
        waveforms = windows.cut(slice(None))
        noise = self.noise.noise_for(waveforms)
        told = []
        for snr_db in self.snrs_db:
            noisy = waveforms if snr_db is None else mixed_at(waveforms, noise, snr_db)
            told.append(
                windows.mean(np.concatenate([self.classifier.judge(batch.numpy()) for batch in noisy.split(32)]))
            )
        return np.stack(told)
