"""How a classifier holds out against worse recordings: its accuracy over the level of a disturbance."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from labcore.augment.seeding import seeded
from labcore.augment.waveform import NoiseAt, mixed_at
from labcore.datasets.by_time import recordings_of
from labcore.datasets.store import ClipStore
from labcore.evaluation.disturbances import BY_NAME
from labcore.evaluation.evaluate import distinct_of
from labcore.evaluation.intervals import ByRecording, effective_clips
from labcore.evaluation.robustness import RobustnessPlan
from labcore.evaluation.select import targets_of
from labcore.events import Event
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import ResidentClips, waveform_cache
from labcore.inference.windows import ClipWindows
from labcore.jobs.following import OnProgress, follow
from labcore.task.kind import require_single

BATCH = 16
"""Clips that are predicted at once. The noise depends on it."""


def accuracy_over_levels(
    classifier: Classifier,
    store: ClipStore,
    rows: np.ndarray,
    plan: RobustnessPlan,
    levels: Sequence[float | None],
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """Evaluate a classifier on disturbed clips, level by level, each told as ``plan.result`` when it is done.

    Noise is added to each window as the training chain does, at a ratio over the window. A clip gets the same noise at all
    ratios, so that they differ in its level alone. What a recorder does (gain, sample rate, compression) is done to whole clips. The
    prediction for a clip is the mean over its windows that hold sound, the clip as it is without the disturbance.

    Args:
        store: at the classifier's sample rate.
        rows: (clips,) which clips, from :func:`labcore.evaluation.select.select_clips`.
        plan: which disturbance, and the colour of noise.
        levels: in its unit; None for the clips as they are.
        should_stop: asked after each batch.

    Raises:
        DatasetError: there are no clips, or clips of classes that the classifier does not know.
        AudioError: the encoder is not there.
        Stopped: it was asked to stop.
    """
    require_single(classifier.task, "A robustness test", "Evaluate the run on recordings with the noise in question")
    targets = targets_of(classifier.task, classifier.labels, store.table, rows)
    test = DisturbedClips(classifier, store, plan.disturbance, plan.colour)
    recordings = recordings_of(store.table["group"].iloc[rows]).tolist()
    distinct = distinct_of(store, rows)
    for level in levels:
        what = f"evaluating, {plan.about.words(level)}"
        right = yield from follow(what, partial(test.right, rows, targets, level), should_stop)
        hits, by_recording = int(right.sum()), ByRecording.of(right.tolist(), recordings)
        yield plan.result(level, hits, len(rows), effective_clips(hits, len(rows), by_recording, distinct))


class DisturbedClips:
    """A classifier, clips, and what is done to them."""

    def __init__(
        self, classifier: Classifier, store: ClipStore, disturbance: str = "noise", colour: str = "pink"
    ) -> None:
        self.classifier = classifier.eval()
        self.store, self.disturbance = store, disturbance
        self.waves = waveform_cache(store, torch.device("cpu"))
        self.noise = NoiseAt(0.0, colour, lowest=classifier.config.f_min / classifier.sample_rate)

    def right(self, rows: np.ndarray, targets: np.ndarray, level: float | None, progress: OnProgress) -> np.ndarray:
        """Which of the clips are predicted right at a level: (clips,) bool."""
        right = np.zeros(len(rows), dtype=bool)
        for first in range(0, len(rows), BATCH):
            part = slice(first, first + BATCH)
            probabilities = self.probabilities(rows[part], level, first)
            right[part] = probabilities.argmax(1) == targets[part]
            progress(min(part.stop, len(rows)), len(rows))
        return right

    @torch.inference_mode()
    def probabilities(self, rows: np.ndarray, level: float | None, seed: int = 0) -> np.ndarray:
        """(clips, classes) float32."""
        windows = ClipWindows(self.classifier, self.waves, rows)
        if level is None:
            waveforms = windows.batch(slice(None))
        elif self.disturbance == "noise":
            waveforms = self._noisy(windows.batch(slice(None)), level, seed)
        else:
            disturbed = self._disturbed(rows, level)
            waveforms = ClipWindows(self.classifier, disturbed, np.arange(len(rows))).batch(slice(None))
        return windows.mean(
            np.concatenate([self.classifier.predict_proba(batch.numpy()) for batch in waveforms.split(32)])
        )

    def _noisy(self, waveforms: Tensor, snr_db: float, seed: int) -> Tensor:
        """Windows with noise: (windows, clip samples) → the same shape."""
        with seeded(seed):
            noise = self.noise.noise_for(waveforms)
        return mixed_at(waveforms, noise, snr_db)

    def _disturbed(self, rows: np.ndarray, level: float) -> ResidentClips:
        """Whole clips as a worse recording has them."""
        disturb, rate = BY_NAME[self.disturbance], self.store.sample_rate
        clips = [torch.from_numpy(disturb(self.store.waveform(int(row)), rate, level)) for row in rows]
        ends = torch.tensor([len(clip) for clip in clips]).cumsum(0)
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), ends])
        return ResidentClips(torch.cat(clips), offsets, None, torch.device("cpu"))
