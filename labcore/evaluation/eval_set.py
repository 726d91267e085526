"""Probabilities of many clips at once, exactly as the classifier gives them one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from labcore.inference.classifier import Classifier
from labcore.inference.embed import features_of
from labcore.inference.resident_clips import ResidentClips, free_bytes
from labcore.inference.windows import ClipWindows, aggregate
from labcore.jobs.following import OnProgress

KEEP_BYTES, KEEP_SHARE = 2**30, 0.25
"""Spectrograms of so many bytes are kept for the next evaluation, and of so much of the device's free memory at most."""
PART = 4096
"""Windows whose embeddings are in memory at a time; more where one clip has more."""
LARGEST = float(np.finfo(np.float16).max)


Forward = Callable[[nn.Module, Tensor], Tensor]
"""How a network computes: images (batch, 1, n_mels, frames) → logits (batch, classes)."""


def plain(network: nn.Module, images: Tensor) -> Tensor:
    """In fp32, as in use."""
    return network(images)


@dataclass(frozen=True)
class PredictionPart:
    """Predictions for some clips, which follow those of the part before.

    Attributes:
        clip_probabilities: (clips, classes) float32, the mean over each clip's windows that hold sound.
        clips: (rows,) which of all clips each row is of; a row is a clip, or a window where that was asked for.
        bounds: (rows, 2) first sample and end of each within its clip.
        probabilities: (rows, classes) float32.
        embeddings: (rows, width) float16, what the network's last layer is given; width 0 where it has none.
    """

    clip_probabilities: np.ndarray
    clips: np.ndarray
    bounds: np.ndarray
    probabilities: np.ndarray
    embeddings: np.ndarray


class EvalSet:
    """The windows of some clips, ready to be given to a network again and again.

    Their log-mels are computed once and kept where they are small, else anew each time.

    Args:
        classifier: its front end, with the normalisation fitted, and its rules for windows.
        waves: the resident clips.
        rows: (clips,) which of its clips.
    """

    def __init__(self, classifier: Classifier, waves: ResidentClips, rows: np.ndarray, batch_size: int = 64) -> None:
        self.classifier, self.rows, self.batch_size = classifier, rows, batch_size
        self.windows = ClipWindows(classifier, waves, rows)
        log_mel, clip = classifier.log_mel, classifier.config.clip_samples
        size = len(self.windows) * log_mel.mean.shape[0] * log_mel.frames(clip) * 4
        most = min(KEEP_BYTES, KEEP_SHARE * free_bytes(classifier.device))
        self.kept = [self._images(first) for first in self._firsts()] if size < most else None

    def probabilities(self, forward: Forward = plain) -> np.ndarray:
        """Mean over each clip's windows that hold sound: (clips, classes) float32. ``forward``: how the network computes."""
        rows = list(self._batches(forward, lambda done, total: None))
        if not rows:  # fewer clips than processes
            return np.zeros((0, len(self.classifier.labels)), dtype=np.float32)
        return self.windows.mean(torch.cat(rows).cpu().numpy())

    def seconds_of_all(self, forward: Forward = plain) -> float:
        """How long all windows take, from as many batches as two seconds hold, at least one."""
        start, done, seconds = time.perf_counter(), 0, 0.0
        for batch in self._batches(forward, lambda done, total: None):
            done += len(batch.cpu())  # waits for the device
            seconds = time.perf_counter() - start
            if seconds > 2.0:
                break
        return seconds * len(self.windows) / max(1, done)

    def parts(
        self, progress: OnProgress = lambda done, total: None, *, by_window: bool = False
    ) -> Iterator[PredictionPart]:
        """The same with embeddings, a part of the clips at a time: memory does not grow with their number.

        Args:
            progress: called with windows done and windows in all.
            by_window: a row a window, in place of a row a clip.
        """
        windows, classes = self.windows, len(self.classifier.labels)
        begun = told = 0  # clips and windows of the parts before
        # of the windows after them: probabilities and embeddings side by side
        rows = np.zeros((0, 0), dtype=np.float32)
        pending: list[Tensor] = []
        with features_of(self.classifier.network) as features:
            for first, probabilities in zip(self._firsts(), self._batches(plain, progress), strict=True):
                count = len(probabilities)
                pending.append(torch.cat([probabilities, features.take(count, probabilities.device)], 1))
                end = first + count
                whole = int(windows.owners[end]) if end < len(windows) else windows.clips  # clips that are complete
                if end < len(windows) and (end - told < PART or whole == begun):
                    continue
                rows = np.concatenate([rows.reshape(-1, pending[0].shape[1]), torch.cat(pending).cpu().numpy()])
                pending.clear()
                stop = int(np.searchsorted(windows.owners, whole))
                yield self._part(slice(told, stop), rows[: stop - told], classes, by_window)
                begun, told, rows = whole, stop, rows[stop - told :]

    def _part(self, part: slice, rows: np.ndarray, classes: int, by_window: bool) -> PredictionPart:
        """Of all windows of some clips: (windows, classes + width) float32."""
        windows = self.windows
        owners, bounds = windows.owners[part], windows.bounds[part]
        begun, end = int(owners[0]), int(owners[-1]) + 1
        means = aggregate(rows, windows.weights[part], owners - begun, end - begun)
        clip_probabilities = means[:, :classes]
        if not by_window:
            lasts = np.searchsorted(owners, np.arange(begun, end), side="right") - 1
            ends = bounds[lasts, 1]
            rows, owners, bounds = means, np.arange(begun, end), np.stack([np.zeros_like(ends), ends], 1)
        embeddings = rows[:, classes:].clip(-LARGEST, LARGEST).astype(np.float16)
        return PredictionPart(clip_probabilities, owners, bounds, rows[:, :classes], embeddings)

    @torch.inference_mode()
    def _batches(self, forward: Forward, progress: OnProgress) -> Iterator[Tensor]:
        """Probabilities of the windows, batch by batch: (batch, classes) float32 on the device."""
        self.classifier.eval()
        for number, first in enumerate(self._firsts()):
            images = self.kept[number] if self.kept is not None else self._images(first)
            logits = forward(self.classifier.network, images)
            progress(min(first + self.batch_size, len(self.windows)), len(self.windows))
            yield self.classifier.shares(logits)

    def _firsts(self) -> range:
        return range(0, len(self.windows), self.batch_size)

    @torch.inference_mode()
    def _images(self, first: int) -> Tensor:
        """(batch, 1, n_mels, frames) normalised log-mels of the windows from number ``first`` on."""
        return self.classifier.log_mel(self.windows.batch(slice(first, first + self.batch_size)))[:, None]
