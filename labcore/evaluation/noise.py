"""How a classifier holds out against noise: its accuracy over the signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
import torch

from labcore.augment.seeding import seeded
from labcore.augment.waveform import NoiseAt, mixed_at
from labcore.datasets.store import ClipStore
from labcore.evaluation.intervals import wilson_interval
from labcore.evaluation.jobs import SNRS_DB, InNoise
from labcore.evaluation.select import targets_of
from labcore.events import Event
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import waveform_cache
from labcore.inference.windows import ClipWindows
from labcore.jobs.following import OnProgress, follow

BATCH = 16
"""Clips that are predicted at once. The noise depends on it."""


def accuracy_over_snr(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    ratios: Sequence[float | None] = (None, *SNRS_DB),
    *,
    colour: str = "pink",
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """Evaluate a classifier on clips with noise, ratio by ratio, each told as :class:`InNoise` when it is done.

    Noise is added to each window as the training chain does, at a ratio over the window. A clip gets the same noise at all
    ratios, so that they differ in its level alone. The prediction for a clip is the mean over its windows that hold sound, the clip as it
    is without the noise.

    Args:
        store: at the classifier's sample rate.
        rows: (clips,) which clips, from :func:`labcore.evaluation.select.select_clips`.
        ratios: in dB; None for the clips as they are.
        colour: of the noise, as ``augment.noise_colour``.
        should_stop: asked after each batch.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
        Stopped: it was asked to stop.
    """
    targets = targets_of(classifier.labels, store.table["label"].to_numpy()[rows])
    test = _NoisyClips(classifier, store, colour)
    for ratio in ratios:
        what = "evaluating without noise" if ratio is None else f"evaluating at {ratio:g} dB"
        hits = yield from follow(what, partial(test.hits, rows, targets, ratio), should_stop)
        low, high = wilson_interval(hits, len(rows))
        yield InNoise(snr_db=ratio, clips=len(rows), hits=hits, accuracy=hits / len(rows), low=low, high=high)


class _NoisyClips:
    """A classifier and the noise that its clips get."""

    def __init__(self, classifier: Classifier, store: ClipStore, colour: str) -> None:
        self.classifier = classifier.eval()
        self.waves = waveform_cache(store, torch.device("cpu"))
        self.noise = NoiseAt(0.0, colour)

    def hits(self, rows: np.ndarray, targets: np.ndarray, snr_db: float | None, progress: OnProgress) -> int:
        """How many of the clips are predicted right at a ratio."""
        hits = 0
        for first in range(0, len(rows), BATCH):
            part = slice(first, first + BATCH)
            probabilities = self.probabilities(rows[part], snr_db, first)
            hits += int((probabilities.argmax(1) == targets[part]).sum())
            progress(min(part.stop, len(rows)), len(rows))
        return hits

    @torch.inference_mode()
    def probabilities(self, rows: np.ndarray, snr_db: float | None, seed: int = 0) -> np.ndarray:
        """(clips, classes) float32."""
        windows = ClipWindows(self.classifier, self.waves, rows)
        waveforms = windows.batch(slice(None))
        if snr_db is not None:
            with seeded(seed):
                noise = self.noise.noise_for(waveforms)
            waveforms = mixed_at(waveforms, noise, snr_db)
        return windows.mean(
            np.concatenate([self.classifier.predict_proba(batch.numpy()) for batch in waveforms.split(32)])
        )
